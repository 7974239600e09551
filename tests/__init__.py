"""Every test there is; how laws are tried, whatever else the machine does."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "kato", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # hypothesis reads the sources first, which on a busy machine looks as if its input came slowly
settings.load_profile("kato")
