"""The only rooms that touch `bpy.data`: meshes, curves, shape keys, landmarks, export, memory."""
