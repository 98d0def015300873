# The programs of lakeseg but lakeseg-local, with what they load and no more: no
# shell, no package manager, no root. docs/image.md tells how it is used.
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t NAME .
#
# BASE is where the programs are built. Their libraries, the TLS roots and the
# licences come from there, too: name it by digest for a build that repeats.
ARG BASE=debian:12-slim

FROM ${BASE} AS build
ARG SOURCE_DATE_EPOCH=1
ENV SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH} DEBIAN_FRONTEND=noninteractive
RUN apt-get -qq update && \
    apt-get -qq install -y --no-install-recommends build-essential cmake \
        ninja-build pkg-config libcsv-dev libzstd-dev zlib1g-dev libisal-dev \
        libcurl4-openssl-dev libssl-dev libjansson-dev tzdata \
        ca-certificates python3
WORKDIR /src
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY pipeline pipeline
COPY stages stages
COPY local local
COPY cmd cmd
COPY docs docs
COPY examples examples
COPY scripts scripts
RUN cmake --preset release -DBUILD_TESTING=OFF && \
    cmake --build --preset release && \
    scripts/rootfs /rootfs --sbom /sbom.json

# The bill of materials alone: docker build --target sbom --output DIR .
FROM scratch AS sbom
COPY --from=build /sbom.json /

FROM scratch
COPY --from=build /rootfs/ /
ENV PATH=/usr/bin HOME=/scratch LAKESEG_WORK=/scratch/work TMPDIR=/tmp
USER 65532:65532
WORKDIR /scratch
VOLUME ["/scratch", "/tmp"]
CMD ["lakeseg", "--help"]
