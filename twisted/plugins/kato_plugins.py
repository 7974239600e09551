"""What C{twistd} offers: it finds this module by its place alone."""

from twisted.application.service import ServiceMaker

kato_gateway = ServiceMaker(
    "KATO gateway",
    "kato.gateway",
    "KATO: processors, and REST to speak to them.",
    "kato-gateway",
)

kato_processor = ServiceMaker(
    "KATO processor service",
    "kato.processor_service",
    "KATO: processors for gateways elsewhere, over ZeroMQ.",
    "kato-processor",
)
