"""REST: JSON over HTTP on twisted.web (SPEC 9).

L{make_site} is all that the rest of the house needs; L{Access} says who may pass, L{Asset} is a
file that is served, and L{Page} what is answered without asking a processor.
"""

from kato.protocols.rest.access import Access
from kato.protocols.rest.assets import Asset, Assets
from kato.protocols.rest.routes import Page
from kato.protocols.rest.site import RestSite, make_site

__all__ = ["Access", "Asset", "Assets", "Page", "RestSite", "make_site"]
