"""Writes event files with tensorboardX and TensorBoard itself into a folder: tensorboard_runs.py FOLDER."""

import sys

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.image import metadata as image_metadata
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tensorboardX import SummaryWriter

folder = sys.argv[1]
START = 1_700_000_000

writer = SummaryWriter(f"{folder}/old")
for step in range(1000):
    writer.add_scalar("loss", 1 / (step + 1), step, walltime=START + step)
writer.add_scalar("group/not_a_number", float("nan"), 1, walltime=START)
writer.add_image("sample", np.zeros((3, 4, 4), dtype=np.uint8), 3)
writer.add_text("note", "a *text*", 1)
writer.add_histogram("weights", np.arange(10), 1)
writer.add_hparams({"lr": 0.1, "optimizer": "adam", "nesterov": True}, {"final": 0.9}, name="search")
writer.close()

events = EventFileWriter(f"{folder}/new/train")
for step in range(5):
    summary = scalar_pb("epoch_loss", step * 0.5)
    if step > 0:
        # Keras sends the metadata of a tag once.
        summary.value[0].ClearField("metadata")
    events.add_event(Event(wall_time=START + step, step=step, summary=summary))
events.add_event(Event(wall_time=START, step=1, summary=text_pb("description", ["a", "b"])))
images = Event(wall_time=START, step=2)
value = images.summary.value.add(tag="pictures")
value.metadata.CopyFrom(image_metadata.create_summary_metadata("pictures", "", converted_to_tensor=True))
value.tensor.dtype = 7
value.tensor.string_val.extend([b"4", b"4", b"\x89PNG\r\n\x1a\none", b"\x89PNG\r\n\x1a\ntwo"])
events.add_event(images)
events.close()
