"""Pick Variation: a picture of the sheet was clicked; its motion is generated."""

from __future__ import annotations

from dataclasses import replace

import bpy
from bpy.props import FloatProperty, IntProperty

from facegen_core.landmark_inference import MAX_AMOUNT, Variation

from .. import generators, jobs
from ..scene import state
from . import generate, polling


class FACEGEN_OT_pick_variation(polling.OnHead, jobs.JobOperator, bpy.types.Operator):
    """Take this variation: set the generator and the seed, and generate"""

    bl_idname = "facegen.pick_variation"
    bl_label = "Pick Variation"
    bl_options = {"UNDO"}

    seed: IntProperty(name="Seed", min=0, options={"SKIP_SAVE"})
    amount: FloatProperty(
        name="Amount", default=1.0, min=0.0, max=MAX_AMOUNT, options={"SKIP_SAVE"}
    )

    def begin(self, context: bpy.types.Context) -> jobs.Work:
        target = state.find_target(context)
        self._target_name = target.name
        self._request = replace(
            generate.request_generate(context, target),
            generator=generators.VARIED,
            variation=Variation(self.seed, round(self.amount, 6)),
        )
        return lambda progress: generate.run_generate(self._request, progress)

    def finish(self, context: bpy.types.Context, generated: generate.Generated) -> str:
        target = state.head_named(self._target_name)
        variation = self._request.variation
        num_keys = generate.write_generated(context, target, self._request, generated)
        self.warnings = generated.engine.notes
        settings = target.facegen
        settings.generator = generators.VARIED
        settings.variation_seed, settings.variation_amount = variation.seed, variation.amount
        return generate.sentence(target, self._request, num_keys)
