"""Setting up the GPU engine: a Python environment with PyTorch, in the add-on's own user folder.

All of Facegen that reaches for the network is in here, and it does so only when a button is
pressed and Blender's online access is on. The zip for Blender's extension platform leaves this
folder out; nothing else of the add-on needs it.
"""
