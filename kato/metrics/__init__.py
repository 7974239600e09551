"""What a process tells Prometheus (docs/metrics.md).

The rest of the house counts for itself.  L{TABLE} says what there is to be told; at each scrape
L{sources<kato.metrics.sources>} read it off the parts as plain numbers, on the reactor; and
L{Exposition} writes them, in a thread.
"""

from kato.metrics.exposition import Exposition, make_registry
from kato.metrics.meters import Meters
from kato.metrics.readings import Readings
from kato.metrics.table import TABLE, Kind, Metric

__all__ = ["TABLE", "Exposition", "Kind", "Meters", "Metric", "Readings", "make_registry"]
