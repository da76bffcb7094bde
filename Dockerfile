# Koubou in a container; compose.yaml runs it, docs/how-to/container.md tells how and what was tried.
#
#   docker build --tag koubou .
#
# tests/acceptance/test_container.py runs the steps of this file in a bare root folder: what it cannot run (the base image,
# COPY between stages) it stands in for, so keep each step a plain command.
ARG PYTHON=3.12

# The package with all that it needs, in an environment of its own.
FROM python:${PYTHON}-slim-bookworm AS built
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY koubou koubou
RUN python -m venv /opt/koubou && /opt/koubou/bin/pip install --quiet ".[local]" && /opt/koubou/bin/koubou version

FROM python:${PYTHON}-slim-bookworm AS koubou
LABEL org.opencontainers.image.title="Koubou" \
      org.opencontainers.image.description="A workshop for language-model work" \
      org.opencontainers.image.licenses="Apache-2.0"

# bubblewrap and git are for agents; tini is the first process: it reaps what nobody waits for.
# hadolint ignore=DL3008
RUN apt-get update -qq \
 && apt-get install --yes --quiet --no-install-recommends bubblewrap git tini \
 && rm -rf /var/lib/apt/lists/*

# One uid for good, so that a volume stays whose it was. `koubou-submit` may drop files.
RUN groupadd --system --gid 7850 koubou \
 && groupadd --system --gid 7851 koubou-submit \
 && useradd --system --uid 7850 --gid koubou --groups koubou-submit --home-dir /var/koubou --no-create-home --shell /usr/sbin/nologin koubou \
 && install -d -o koubou -g koubou -m 755 /var/koubou /var/cache/koubou /etc/koubou

COPY --from=built /opt/koubou /opt/koubou
COPY etc/koubou.yaml /opt/koubou/docs/koubou.yaml
COPY etc/container.yaml /etc/koubou/koubou.yaml

ENV PATH=/opt/koubou/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_CACHE_HOME=/var/cache \
    CREDENTIALS_DIRECTORY=/run/secrets
USER 7850:7850
WORKDIR /var/koubou
VOLUME ["/var/koubou", "/var/cache/koubou"]
EXPOSE 8700
# As `systemctl stop`: takes nothing more in, and lets calls under way finish. Give it the time: docker stop --time 330.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["sh", "-c", "koubou status --json | grep -q '\"served\": true'"]
ENTRYPOINT ["tini", "--", "koubou"]
CMD ["serve"]
