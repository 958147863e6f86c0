"""Validates OpenADR objects: check_openadr.py SCHEMA NAME FILE

FILE holds an array; each element must be valid as `$defs/NAME` of the JSON Schema. Prints how many
there are, or the first thing that is wrong with each and where.
"""

import json
import sys

import jsonschema
import rfc3339_validator  # Without it, formats of times would pass unchecked.

assert rfc3339_validator.validate_rfc3339("2026-11-30T00:00:00Z")
with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
jsonschema.Draft202012Validator.check_schema(schema)
schema["$ref"] = "#/$defs/" + sys.argv[2]
validator = jsonschema.Draft202012Validator(
    schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
with open(sys.argv[3], encoding="utf-8") as file:
    objects = json.load(file)
wrong = 0
for index, thing in enumerate(objects):
    error = jsonschema.exceptions.best_match(validator.iter_errors(thing))
    if error is not None:
        wrong += 1
        print(f"[{index}]{error.json_path[1:]}: {error.message}")
if wrong == 0:
    print(f"{len(objects)} valid")
sys.exit(1 if wrong else 0)
