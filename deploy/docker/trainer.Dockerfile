# The trainer, from the repository's root:
#   docker build -f deploy/docker/trainer.Dockerfile -t vertebra-trainer:0.1.0 .
# CUDA's libraries come with torch; the driver comes from the host (NVIDIA's container toolkit).
# Also the image of Ray's nodes (deploy/ray).
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# An index with wheels of torch without CUDA; empty: torch as the lock file has it.
ARG TORCH_INDEX=""
WORKDIR /build
COPY deploy/build.lock deploy/trainer.lock deploy/docker/install.sh deploy/docker/install-vertebra.sh ./
RUN python3 -m venv tools \
    && tools/bin/python -m pip install --quiet --no-cache-dir --require-hashes -r build.lock
RUN ./install.sh trainer.lock /opt/vertebra
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
ENV PATH=/opt/vertebra/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    MALLOC_TOP_PAD_=67108864 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    VERTEBRA_TRAINER_LISTEN=0.0.0.0:50552 \
    VERTEBRA_TRAINER_ADMIN_LISTEN=0.0.0.0:50562 \
    VERTEBRA_TRAINER_HOME=/var/lib/vertebra \
    VERTEBRA_TRAINER_DATA_ROOTS=/var/lib/vertebra/images \
    VERTEBRA_TRAINER_ON_STOP=preempt
WORKDIR /var/lib/vertebra
USER 10001:10001
EXPOSE 50552 50562
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['VERTEBRA_TRAINER_ADMIN_LISTEN'].rpartition(':')[2] + '/live', timeout=4)"]
# Process 1 starts the API again when it ends or hangs; running jobs go on meanwhile.
ENTRYPOINT ["python", "-m", "trainer_service.container"]
CMD ["--live-of=VERTEBRA_TRAINER_ADMIN_LISTEN", "--", "python", "-m", "trainer_service"]
