/* An endpoint as the API shows it. */
#include "local/endpoints.h"

#include "pipeline/base/clock.h"

/* The object at key, made if it is not there. */
static json_t *object_at(json_t *map, const char *key)
{
    if (json_object_get(map, key) == NULL)
        (void)json_object_set_new(map, key, json_object());
    return json_object_get(map, key);
}

/* Puts "Attributes.x" with its value into the object at its place. */
static void put_field(json_t *out, const char *name, const char *value)
{
    const enum local_column kind = local_column_kind(name);
    const char *dot = strchr(name, '.');
    char parent[16];
    json_t *map = out;

    if (kind == LOCAL_COL_USER_ATTRIBUTE) {
        map = object_at(object_at(out, "User"), "UserAttributes");
        name += strlen("User.UserAttributes.");
    } else if (dot != NULL && (size_t)(dot - name) < sizeof(parent)) {
        (void)snprintf(parent, sizeof(parent), "%.*s", (int)(dot - name), name);
        map = object_at(out, parent);
        name = dot + 1;
    }
    if (kind == LOCAL_COL_ATTRIBUTE || kind == LOCAL_COL_USER_ATTRIBUTE) {
        if (json_object_get(map, name) == NULL)
            (void)json_object_set_new(map, name, json_array());
        (void)json_array_append_new(json_object_get(map, name),
                                    json_string(value));
    } else if (kind == LOCAL_COL_METRIC || kind == LOCAL_COL_COORDINATE) {
        (void)json_object_set_new(map, name, json_real(strtod(value, NULL)));
    } else {
        (void)json_object_set_new(map, name, json_string(value));
    }
}

static void put_fields(const struct local_endpoints *all, json_t *out,
                       const struct local_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++)
        put_field(out, local_pool_text(&all->pool, fields->items[i].name),
                  local_pool_text(&all->pool, fields->items[i].value));
}

json_t *local_endpoints_json(const struct local_endpoints *all, const char *app,
                             uint32_t number)
{
    const struct local_endpoint *e = &all->items[number];
    const char *id = local_pool_text(&all->pool, e->id);
    char date[PL_TIME_LEN];
    json_t *out = json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:s}", "Id", id, "ApplicationId", app,
        "ChannelType", local_channel_name(e->channel), "Address",
        e->address != LOCAL_NO_TEXT ? local_pool_text(&all->pool, e->address)
                                    : "",
        "EndpointStatus", e->is_inactive ? "INACTIVE" : "ACTIVE", "OptOut",
        "NONE");

    if (out == NULL)
        return NULL;
    pl_time_iso(e->effective_ms, date);
    (void)json_object_set_new(out, "EffectiveDate", json_string(date));
    put_fields(all, out, &e->fields);
    if (e->user != LOCAL_NO_TEXT) {
        put_fields(all, out, &all->users[e->user].fields);
        if (json_object_get(out, "User") == NULL)
            (void)json_object_set_new(out, "User", json_object());
        (void)json_object_set_new(
            json_object_get(out, "User"), "UserId",
            json_string(local_pool_text(&all->pool, all->users[e->user].id)));
    }
    return out;
}
