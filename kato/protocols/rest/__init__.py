"""REST: JSON over HTTP on twisted.web (SPEC 9).

L{make_site} is all that the rest of the house needs; L{Access} says who may pass.
"""

from kato.protocols.rest.access import Access
from kato.protocols.rest.site import RestSite, make_site

__all__ = ["Access", "RestSite", "make_site"]
