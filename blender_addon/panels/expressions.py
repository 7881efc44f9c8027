"""The panel of the intensity channels."""

from __future__ import annotations

import bpy

from facegen_core.errors import FacegenError

from ..operators.add_expression import FACEGEN_OT_add_expression
from ..preferences import model_in_use
from ..scene import channels, curves, state
from .base import FacegenPanel, draw_sentence


class FACEGEN_PT_expressions(FacegenPanel, bpy.types.Panel):
    bl_label = "Expressions"

    def draw(self, context: bpy.types.Context) -> None:
        layout, target = self.layout, state.find_target(context)
        layout.use_property_split = True
        layout.use_property_decorate = True  # the dots show what can be keyed
        try:
            expressions = model_in_use(context).expressions
            shown = channels.channels_of(target, expressions)
        except FacegenError as error:
            draw_sentence(layout, str(error), "ERROR")
            return
        column = layout.column(align=True)
        for channel in shown:
            column.prop(target.facegen, channel.attribute, text=channel.label, slider=True)
        others = [name for name in curves.keyed_expressions(target) if name not in expressions]
        if others:
            sentence = f"Keyed, but not of this model: {', '.join(others)}"
            draw_sentence(layout, sentence, "INFO")
        layout.operator(FACEGEN_OT_add_expression.bl_idname, icon="ADD")


CLASSES = (FACEGEN_PT_expressions,)
