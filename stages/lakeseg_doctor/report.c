#include "stages/lakeseg_doctor/report.h"

#include <string.h>

int doctor_report_open(struct doctor_report *r, struct pl_err *first,
                       struct pl_err *err)
{
    r->first = first;
    r->root = json_pack("{s:{},s:[]}", "settings", "checks");
    r->settings = json_object_get(r->root, "settings");
    r->checks = json_object_get(r->root, "checks");
    return r->root != NULL ? 0 : pl_fail_memory(err);
}

void doctor_report_release(struct doctor_report *r)
{
    json_decref(r->root);
    r->root = NULL;
}

void doctor_report_add(struct doctor_report *r, const struct doctor_check *c,
                       const char *detail, const struct pl_err *cause)
{
    json_t *check =
        json_pack("{s:s,s:s,s:s,s:s*}", "check", c->name, "target", c->target,
                  "status", cause == NULL ? "ok" : "failed", "detail", detail);

    if (cause != NULL) {
        (void)json_object_set_new(check, "error",
                                  json_string(pl_code_info(cause->code)->name));
        (void)json_object_set_new(check, "message", json_string(cause->msg));
        if (r->first->code == PL_OK)
            *r->first = *cause;
    }
    if (cause != NULL && cause->code == PL_ACCESS_DENIED &&
        c->permission != NULL) {
        (void)json_object_set_new(check, "missing_permission",
                                  json_string(c->permission));
        if (c->resource != NULL)
            (void)json_object_set_new(check, "resource",
                                      json_string(c->resource));
        if (c->hint != NULL)
            (void)json_object_set_new(check, "hint", json_string(c->hint));
    }
    (void)json_array_append_new(r->checks, check);
}

static const char *str(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static int print_setting(const char *key, const json_t *value,
                         struct pl_buf *out, struct pl_err *err)
{
    if (json_is_string(value))
        return pl_buf_addf(out, err, "%-12s %s\n", key,
                           json_string_value(value));
    if (json_is_integer(value))
        return pl_buf_addf(out, err, "%-12s %d\n", key,
                           (int)json_integer_value(value));
    return pl_buf_addf(
        out, err, "%-12s %s%s%s%s%s%s%s%s\n", key, str(value, "value"),
        *str(value, "from") != '\0' ? " (" : "", str(value, "from"),
        *str(value, "from") != '\0' ? ")" : "",
        *str(value, "access_key") != '\0' ? ", key " : "",
        str(value, "access_key"),
        *str(value, "until") != '\0' ? ", until " : "", str(value, "until"));
}

static int print_settings(const struct doctor_report *r, struct pl_buf *out,
                          struct pl_err *err)
{
    const char *key;
    json_t *value;
    json_t *inner;

    json_object_foreach(r->settings, key, value)
    {
        const char *service;

        if (strcmp(key, "endpoints") != 0) {
            if (print_setting(key, value, out, err) != 0)
                return -1;
            continue;
        }
        json_object_foreach(value, service, inner)
        {
            if (print_setting(service, inner, out, err) != 0)
                return -1;
        }
    }
    return 0;
}

static int print_check(const json_t *check, struct pl_buf *out,
                       struct pl_err *err)
{
    const bool is_ok = strcmp(str(check, "status"), "ok") == 0;
    const char *target = str(check, "target");
    const char *detail = str(check, is_ok ? "detail" : "message");

    if (pl_buf_addf(out, err, "%-6s %s%s%s%s%s%s%s\n", str(check, "status"),
                    str(check, "check"), *target != '\0' ? " " : "", target,
                    *detail != '\0' ? ": " : "",
                    is_ok ? "" : str(check, "error"), is_ok ? "" : ": ",
                    detail) != 0)
        return -1;
    if (*str(check, "missing_permission") == '\0')
        return 0;
    if (pl_buf_addf(out, err, "       missing permission: %s%s%s\n",
                    str(check, "missing_permission"),
                    *str(check, "resource") != '\0' ? " on " : "",
                    str(check, "resource")) != 0)
        return -1;
    return *str(check, "hint") == '\0'
               ? 0
               : pl_buf_addf(out, err, "       %s\n", str(check, "hint"));
}

int doctor_report_print(const struct doctor_report *r, bool is_json,
                        struct pl_buf *out, struct pl_err *err)
{
    PL_AUTO_STR *text = NULL;
    json_t *check;
    size_t i;

    (void)json_object_set_new(
        r->root, "status",
        json_string(r->first->code == PL_OK ? "ok" : "failed"));
    if (is_json) {
        text = json_dumps(r->root, JSON_COMPACT);
        return text != NULL ? pl_buf_addf(out, err, "%s\n", text)
                            : pl_fail_memory(err);
    }
    if (print_settings(r, out, err) != 0)
        return -1;
    json_array_foreach(r->checks, i, check)
    {
        if (print_check(check, out, err) != 0)
            return -1;
    }
    return 0;
}
