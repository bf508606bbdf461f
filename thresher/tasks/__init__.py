# SPDX-License-Identifier: Apache-2.0
"""What travels between stages."""

from thresher.tasks.document import HIDDEN as HIDDEN
from thresher.tasks.document import RAW as RAW
from thresher.tasks.document import ROW as ROW
from thresher.tasks.document import TOKENS as TOKENS
from thresher.tasks.document import DocumentBatch as DocumentBatch
from thresher.tasks.file_group import FileGroupTask as FileGroupTask
from thresher.tasks.file_group import FileSlice as FileSlice
from thresher.tasks.file_group import SpillTask as SpillTask
from thresher.tasks.performance import TaskPerfUtils as TaskPerfUtils
from thresher.tasks.task import EmptyTask as EmptyTask
from thresher.tasks.task import Task as Task
