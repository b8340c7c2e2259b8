# syntax=docker/dockerfile:1
# Jackfield's image: `docker compose build`. For NVIDIA's GPUs, compose.gpu.yaml sets the three arguments.
ARG BUILD_IMAGE=python:3.11.13-slim-bookworm
ARG RUN_IMAGE=python:3.11.13-slim-bookworm

# ---- build: the engine as a wheel, then a virtual environment with everything that is locked
FROM ${BUILD_IMAGE} AS build
# One library for each generation of processors, chosen when the engine is loaded: not for the builder's own.
# CMAKE_INSTALL_BINDIR puts them beside the engine, where jackfield_engines/llama_cpp/library.py looks for them.
ARG ENGINE_OPTIONS="-DGGML_NATIVE=OFF -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON -DCMAKE_INSTALL_BINDIR=llama_cpp/lib"
ARG EXTRA_ENGINE_OPTIONS=""
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential git \
    && { command -v python3 > /dev/null || apt-get install --yes --no-install-recommends python3 python3-dev python3-venv; } \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/jackfield
ENV PATH=/opt/jackfield/bin:$PATH XDG_CACHE_HOME=/build/cache PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build

COPY requirements.lock ./
COPY scripts/build_engine.py scripts/watched_command.py scripts/engine_only.cmake scripts/
RUN CMAKE_ARGS="$ENGINE_OPTIONS $EXTRA_ENGINE_OPTIONS" python scripts/build_engine.py requirements.lock > engine-wheel \
    && pip install --no-cache-dir --no-deps --no-index "$(tail -n 1 engine-wheel)"

COPY pyproject.toml ./
COPY scripts/locked_requirements.py scripts/
RUN python scripts/locked_requirements.py workers > image.lock \
    && pip install --no-cache-dir --require-hashes --requirement image.lock \
    && python scripts/locked_requirements.py --build-system > build-system.lock \
    && pip install --no-cache-dir --require-hashes --requirement build-system.lock --target /build/backend

COPY README.md LICENSE ./
COPY platform platform
COPY engines engines
COPY plugins plugins
COPY storage storage
COPY migrations migrations
COPY web web
COPY tui tui
RUN PYTHONPATH=/build/backend pip install --no-cache-dir --no-deps --no-build-isolation . \
    && python -m compileall -q /opt/jackfield/lib \
    && pip check \
    && jackfield --version

# ---- run: no compiler, no root
FROM ${RUN_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libgomp1 tini \
    && { command -v python3 > /dev/null || apt-get install --yes --no-install-recommends python3; } \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 jackfield \
    && useradd --uid 10001 --gid jackfield --home-dir /data --no-create-home --shell /usr/sbin/nologin jackfield \
    && install --directory --owner jackfield --group jackfield /data
COPY --from=build /opt/jackfield /opt/jackfield
ENV PATH=/opt/jackfield/bin:$PATH \
    HOME=/data \
    JACKFIELD_HOME=/data \
    JACKFIELD_SETTINGS=/data/jackfield.toml \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 5225
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["jackfield", "health"]
ENTRYPOINT ["tini", "--"]
CMD ["jackfield", "serve", "--host", "0.0.0.0"]
