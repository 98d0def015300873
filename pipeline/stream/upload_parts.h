/* upload_parts.h - the steps of an upload that streams and files share. */
#ifndef PL_STREAM_UPLOAD_PARTS_H
#define PL_STREAM_UPLOAD_PARTS_H

#include "pipeline/stream/upload.h"

#define PL_UPLOAD_PART (INT64_C(8) << 20) /* bytes of the first parts */

/* A try that died between the service's answer and the journal left an upload
 * whose id nobody knows: one of this key, begun since then (ISO 8601). */
void pl_upload_abort_orphans(struct pl_upload *upload, const char *since);
int pl_upload_begin(struct pl_upload *upload, struct pl_err *err) PL_MUST_CHECK;
/* number from 0; fills upload->parts[number]. */
int pl_upload_part(struct pl_upload *upload, uint64_t number,
                   const struct pl_blob *blob,
                   struct pl_err *err) PL_MUST_CHECK;
int pl_upload_single(struct pl_upload *upload, const struct pl_blob *blob,
                     struct pl_err *err) PL_MUST_CHECK;
/* upload->crc64nvme, from those of the parts. */
void pl_upload_sum(struct pl_upload *upload);
int pl_upload_complete(struct pl_upload *upload,
                       struct pl_err *err) PL_MUST_CHECK;

#endif
