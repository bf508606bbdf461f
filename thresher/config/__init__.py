# SPDX-License-Identifier: Apache-2.0
"""Recipes: pipelines as YAML, and back."""

from thresher.config.dump import dump_recipe as dump_recipe
from thresher.config.reading import load_recipe as load_recipe
from thresher.config.reading import parse_recipe as parse_recipe
from thresher.config.recipe import Recipe as Recipe
from thresher.config.schema import schema as schema
