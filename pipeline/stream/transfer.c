#include "pipeline/stream/transfer.h"

#include <string.h>

#include "pipeline/base/text.h"
#include "pipeline/stream/crew.h"

static int set_metadata(struct pl_transfer *t, const char *text,
                        struct pl_err *err)
{
    char *save = NULL;
    size_t count = 0;

    if (text == NULL)
        return 0;
    if (pl_buf_adds(&t->metadata, text, err) != 0)
        return -1;
    for (char *p = strtok_r(t->metadata.data, ",", &save); p != NULL;
         p = strtok_r(NULL, ",", &save)) {
        const char *equals = strchr(p, '=');

        if (equals == NULL || equals == p)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "metadata '%s' is not NAME=VALUE", p);
        if (count + 1 >= PL_S3_METADATA_MAX)
            return pl_fail(err, PL_CONFIG_INVALID,
                           "more than %d entries of metadata",
                           PL_S3_METADATA_MAX - 1);
        t->put.metadata[count++] = p;
    }
    return 0;
}

static int set_encryption(struct pl_transfer *t,
                          const struct pl_transfer_options *o,
                          struct pl_err *err)
{
    static const char *const kinds[] = {"AES256", "aws:kms", "aws:kms:dsse"};
    struct pl_s3_put_options *put = &t->put;

    put->encryption = pl_setting(o->encryption, "LAKESEG_S3_ENCRYPTION", NULL);
    put->kms_key = pl_setting(o->kms_key, "LAKESEG_S3_KMS_KEY", NULL);
    put->kms_context =
        pl_setting(o->kms_context, "LAKESEG_S3_KMS_CONTEXT", NULL);
    put->use_bucket_key =
        o->bucket_key || pl_env("LAKESEG_S3_BUCKET_KEY") != NULL;
    if (put->encryption == NULL &&
        (put->kms_key != NULL || put->kms_context != NULL))
        put->encryption = "aws:kms";
    if (put->encryption != NULL &&
        !pl_is_one_of(put->encryption, kinds, PL_COUNT(kinds)))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "encryption '%s' is none of AES256, aws:kms, "
                       "aws:kms:dsse",
                       put->encryption);
    if (put->encryption != NULL && strcmp(put->encryption, "AES256") == 0 &&
        (put->kms_key != NULL || put->kms_context != NULL ||
         put->use_bucket_key))
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a KMS key goes with encryption aws:kms");
    return 0;
}

static int set_owner(struct pl_aws *aws, const char *given, struct pl_err *err)
{
    const char *owner = pl_setting(given, "LAKESEG_S3_BUCKET_OWNER", NULL);

    if (owner == NULL || aws == NULL)
        return 0;
    if (strlen(owner) != 12 || strspn(owner, "0123456789") != 12)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the bucket's owner '%s' is no account number of 12 "
                       "digits",
                       owner);
    aws->bucket_owner = owner;
    return 0;
}

int pl_transfer_settings(struct pl_transfer *t,
                         const struct pl_transfer_options *options,
                         struct pl_aws *aws, struct pl_err *err)
{
    static const struct pl_transfer_options none = PL_TRANSFER_OPTIONS;
    const struct pl_transfer_options *o = options != NULL ? options : &none;
    int64_t threads;

    memset(t, 0, sizeof(*t));
    if (pl_setting_int(o->concurrency, "LAKESEG_CONCURRENCY",
                       PL_TRANSFER_THREADS, &threads, err) != 0 ||
        pl_setting_int(o->memory, "LAKESEG_TRANSFER_MEMORY", PL_TRANSFER_MEMORY,
                       &t->memory, err) != 0)
        return -1;
    if (threads < 1 || threads > PL_CREW_MAX)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the concurrency must be 1 to %d", PL_CREW_MAX);
    if (t->memory < PL_TRANSFER_MEMORY_MIN)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the memory must be at least 32M");
    t->threads = (int)threads;
    t->keep_partial = o->keep_partial || pl_env("LAKESEG_KEEP_PARTIAL") != NULL;
    t->put.only_if_absent = o->only_if_absent;
    t->put.storage_class =
        pl_setting(o->storage_class, "LAKESEG_S3_STORAGE_CLASS", NULL);
    t->put.tags = pl_setting(o->tags, "LAKESEG_S3_TAGS", NULL);
    if (set_encryption(t, o, err) != 0 ||
        set_metadata(t, pl_setting(o->metadata, "LAKESEG_S3_METADATA", NULL),
                     err) != 0)
        return -1;
    return set_owner(aws, o->bucket_owner, err);
}

void pl_transfer_release(struct pl_transfer *t)
{
    pl_buf_release(&t->metadata);
}
