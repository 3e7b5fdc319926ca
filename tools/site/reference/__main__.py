"""``python -m tools.site.reference``: print the pages as one JSON object, Markdown by path."""

import json
import sys

from tools.site.reference import pages

json.dump(pages(), sys.stdout)
