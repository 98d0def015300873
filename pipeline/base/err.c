#include "pipeline/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pl_code_info table[PL_CODE_COUNT] = {
    [PL_OK] = {"Ok", 0, false, false},
    [PL_USAGE_INVALID] = {"UsageInvalid", 64, false, false},
    [PL_QUERY_INVALID] = {"QueryInvalid", 65, false, false},
    [PL_DATA_INVALID] = {"DataInvalid", 65, false, false},
    [PL_MANIFEST_INVALID] = {"ManifestInvalid", 66, false, false},
    [PL_QUERY_FAILED] = {"QueryFailed", 69, false, true},
    [PL_QUERY_CANCELLED] = {"QueryCancelled", 69, false, true},
    [PL_QUERY_TIMED_OUT] = {"QueryTimedOut", 69, false, false},
    [PL_IMPORT_FAILED] = {"ImportFailed", 69, false, true},
    [PL_IMPORT_PARTIAL] = {"ImportPartial", 69, false, true},
    [PL_IMPORT_TIMED_OUT] = {"ImportTimedOut", 69, false, false},
    [PL_SERVICE_REFUSED] = {"ServiceRefused", 69, false, true},
    [PL_INTERNAL_ERROR] = {"InternalError", 70, false, false},
    [PL_HOST_ERROR] = {"HostError", 71, false, false},
    [PL_FILE_ERROR] = {"FileError", 74, false, false},
    [PL_SERVICE_UNAVAILABLE] = {"ServiceUnavailable", 75, true, false},
    [PL_THROTTLED] = {"Throttled", 75, true, false},
    [PL_INTERRUPTED] = {"Interrupted", 75, false, false},
    [PL_ALREADY_RUNNING] = {"AlreadyRunning", 75, false, false},
    [PL_TASK_LOST] = {"TaskLost", 75, false, false},
    [PL_ACCESS_DENIED] = {"AccessDenied", 77, false, false},
    [PL_CREDENTIALS_MISSING] = {"CredentialsMissing", 77, false, false},
    [PL_CREDENTIALS_EXPIRED] = {"CredentialsExpired", 77, false, false},
    [PL_SIGNATURE_REFUSED] = {"SignatureRefused", 77, false, false},
    [PL_CONFIG_INVALID] = {"ConfigInvalid", 78, false, false},
    [PL_RETIRED] = {"Retired", 78, false, false},
};

void pl_str_release(char **str)
{
    free(*str);
    *str = NULL;
}

const struct pl_code_info *pl_code_info(enum pl_code code)
{
    if ((unsigned)code >= PL_CODE_COUNT)
        return &table[PL_INTERNAL_ERROR];
    return &table[code];
}

enum pl_code pl_code_by_name(const char *name)
{
    for (unsigned i = 0; i < PL_CODE_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return (enum pl_code)i;
    return PL_INTERNAL_ERROR;
}

static void set_message(struct pl_err *err, enum pl_code code, const char *fmt,
                        va_list ap) __attribute__((format(printf, 3, 0)));

static void set_message(struct pl_err *err, enum pl_code code, const char *fmt,
                        va_list ap)
{
    err->code = code;
    (void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    for (char *p = err->msg; *p != '\0'; p++) /* one line */
        if (*p == '\n' || *p == '\r' || *p == '\t')
            *p = ' ';
}

int pl_fail(struct pl_err *err, enum pl_code code, const char *fmt, ...)
{
    va_list ap;

    if (err->code != PL_OK)
        return -1;
    va_start(ap, fmt);
    set_message(err, code, fmt, ap);
    va_end(ap);
    return -1;
}

int pl_fail_errno(struct pl_err *err, enum pl_code code, const char *fmt, ...)
{
    const int sys = errno;
    size_t used;
    va_list ap;

    if (err->code != PL_OK)
        return -1;
    va_start(ap, fmt);
    set_message(err, code, fmt, ap);
    va_end(ap);
    err->sys = sys;
    used = strlen(err->msg);
    (void)snprintf(err->msg + used, sizeof(err->msg) - used, ": %s",
                   strerror(sys));
    return -1;
}

int pl_fail_memory(struct pl_err *err)
{
    return pl_fail(err, PL_HOST_ERROR, "out of memory");
}

int pl_context(struct pl_err *err, const char *fmt, ...)
{
    char front[512];
    char old[sizeof(err->msg)];
    size_t front_len;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(front, sizeof(front), fmt, ap);
    va_end(ap);
    front_len = strlen(front);
    memcpy(old, err->msg, sizeof(old));
    memcpy(err->msg, front, front_len);
    (void)snprintf(err->msg + front_len, sizeof(err->msg) - front_len,
                   ": %.480s", old);
    return -1;
}

void pl_err_clear(struct pl_err *err)
{
    memset(err, 0, sizeof(*err));
}
