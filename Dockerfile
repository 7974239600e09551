# syntax=docker/dockerfile:1
# Two images of the same layers, which differ in what they run if nothing else is said:
#
#     docker build --target kato --tag kato:latest .
#     docker build --target kato-gateway --tag kato-gateway:latest .

ARG PYTHON=3.13-slim-trixie


FROM python:${PYTHON} AS builder

# The matching kernel is compiled here, so the images need no compiler. Which patch release of it does that is Debian's choice.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /source
COPY CHANGELOG.md LICENSE MANIFEST.in PACKAGE.md pyproject.toml setup.cfg setup.py ./
COPY kato kato
COPY twisted twisted

RUN --mount=type=cache,target=/root/.cache/pip \
    pip wheel --no-deps --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/kato \
    && pip --python /opt/kato/bin/python install "kato-twisted[tls,cli] @ file://$(echo /wheels/kato_twisted-*.whl)"


FROM python:${PYTHON} AS installed

LABEL org.opencontainers.image.title="KATO on Twisted" \
      org.opencontainers.image.description="A deterministic sequence memory, served over the network" \
      org.opencontainers.image.licenses="MIT"

COPY --from=builder /opt/kato /opt/kato

# Nothing below /opt/kato is written later: no bytecode, and no cache of plugins, which root makes here.
# Without the kernel a server refuses to start, and this build fails.
ENV PATH=/opt/kato/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KATO_MATCHER=native \
    KATO_STORAGE=sqlite:///data/kato.db

RUN twistd --help >/dev/null \
    && python -c "from kato.engine.matchers import provider; provider('native', '')" \
    && groupadd --gid 10001 kato \
    && useradd --uid 10001 --gid kato --home-dir /data --no-create-home --shell /usr/sbin/nologin kato \
    && install --directory --owner kato --group kato --mode 0700 /data

# A number, so that Kubernetes sees that it is not root's.
USER 10001:10001
WORKDIR /data

# twistd is the first process, and takes SIGTERM itself.
ENTRYPOINT ["twistd", "--nodaemon", "--pidfile="]


FROM installed AS kato-gateway
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --retries=3 --start-period=10m --start-interval=1s \
    CMD ["python", "-P", "-m", "kato.health", "http://127.0.0.1:8000/ready"]
CMD ["kato-gateway"]


FROM installed AS kato
EXPOSE 5555 5556
HEALTHCHECK --interval=10s --timeout=6s --retries=3 --start-period=10m --start-interval=1s \
    CMD ["python", "-P", "-m", "kato.health", "tcp://127.0.0.1:5555/ready"]
CMD ["kato-processor"]
