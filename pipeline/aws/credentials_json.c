/* Keys as JSON: the container endpoint, the instance's metadata and
 * credential_process word them nearly alike (sources 8.6 to 8.8). */
#include <jansson.h>
#include <string.h>

#include "pipeline/aws/credentials_sources.h"

static int copy_member(const json_t *body, const char *name, bool is_needed,
                       char *to, size_t cap, struct pl_err *err)
{
    const char *text = json_string_value(json_object_get(body, name));

    if (is_needed && (text == NULL || *text == '\0'))
        return pl_fail(err, PL_CONFIG_INVALID, "the answer has no %s", name);
    return pl_credentials_copy(to, cap, text != NULL ? text : "", name, err);
}

static int read_end(const json_t *body, int64_t *expires_at, struct pl_err *err)
{
    const json_t *until = json_object_get(body, "Expiration");
    int64_t ms = 0;

    if (until == NULL || json_is_null(until))
        return 0;
    if (!json_is_string(until) ||
        pl_time_parse_iso(json_string_value(until), &ms) != 0)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "the answer's Expiration is no time");
    *expires_at = ms / 1000;
    return 0;
}

static int read_keys(const json_t *body, const char *token,
                     struct pl_credentials *out, struct pl_err *err)
{
    if (!json_is_object(body))
        return pl_fail(err, PL_CONFIG_INVALID, "the answer is no JSON object");
    if (copy_member(body, "AccessKeyId", true, out->access_key,
                    sizeof(out->access_key), err) != 0 ||
        copy_member(body, "SecretAccessKey", true, out->secret_key,
                    sizeof(out->secret_key), err) != 0 ||
        copy_member(body, token, false, out->session_token,
                    sizeof(out->session_token), err) != 0)
        return -1;
    return read_end(body, &out->expires_at, err);
}

int pl_credentials_parse_container(const char *text, size_t len,
                                   struct pl_credentials *out,
                                   struct pl_err *err)
{
    json_t *body = json_loadb(text, len, 0, NULL);
    const int rc = read_keys(body, "Token", out, err);

    json_decref(body);
    return rc;
}

int pl_credentials_parse_imds(const char *text, size_t len,
                              struct pl_credentials *out, struct pl_err *err)
{
    json_t *body = json_loadb(text, len, 0, NULL);
    const char *code = json_string_value(json_object_get(body, "Code"));
    const int rc = code != NULL && strcmp(code, "Success") != 0
                       ? pl_fail(err, PL_CREDENTIALS_MISSING,
                                 "the answer's Code is '%.64s'", code)
                       : read_keys(body, "Token", out, err);

    json_decref(body);
    return rc;
}

int pl_credentials_parse_process(const char *text, size_t len,
                                 struct pl_credentials *out, struct pl_err *err)
{
    json_t *body = json_loadb(text, len, 0, NULL);
    const json_t *version = json_object_get(body, "Version");
    int rc;

    if (json_is_object(body) &&
        (!json_is_integer(version) || json_integer_value(version) != 1))
        rc = pl_fail(err, PL_CONFIG_INVALID, "the answer's Version is not 1");
    else
        rc = read_keys(body, "SessionToken", out, err);
    json_decref(body);
    return rc;
}
