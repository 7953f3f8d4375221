# The catalog, from the repository's root:
#   docker build -f deploy/docker/catalog.Dockerfile -t vertebra-catalog:0.1.0 .
# It listens to other hosts only with a certificate, or with VERTEBRA_CATALOG_PLAINTEXT=1.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# An index with wheels of torch without CUDA; empty: torch as the lock file has it.
ARG TORCH_INDEX=""
WORKDIR /build
COPY deploy/build.lock deploy/catalog.lock deploy/docker/install.sh deploy/docker/install-vertebra.sh ./
RUN python3 -m venv tools \
    && tools/bin/python -m pip install --quiet --no-cache-dir --require-hashes -r build.lock
RUN ./install.sh catalog.lock /opt/vertebra
COPY pyproject.toml README.md ./source/
COPY catalog_service ./source/catalog_service
COPY trainer_service ./source/trainer_service
COPY clients/python/vertebra ./source/clients/python/vertebra
RUN ./install-vertebra.sh source /opt/vertebra

FROM ${PYTHON_IMAGE}
# Nothing that builds or installs is left; the folder of the service belongs to its user.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/site-packages/pip* \
    && install -d -o 10001 -g 10001 /var/lib/vertebra
COPY --from=build /opt/vertebra /opt/vertebra
# glibc would map and unmap every large message anew: 4 times the CPU time a GiB.
ENV PATH=/opt/vertebra/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    MALLOC_TOP_PAD_=67108864 \
    VERTEBRA_CATALOG_LISTEN=0.0.0.0:50551 \
    VERTEBRA_CATALOG_ADMIN_LISTEN=0.0.0.0:50561 \
    VERTEBRA_CATALOG_HOME=/var/lib/vertebra
WORKDIR /var/lib/vertebra
USER 10001:10001
EXPOSE 50551 50561
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['VERTEBRA_CATALOG_ADMIN_LISTEN'].rpartition(':')[2] + '/live', timeout=4)"]
ENTRYPOINT ["python", "-m", "catalog_service"]
