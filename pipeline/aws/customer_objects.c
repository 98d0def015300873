#include <stdlib.h>
#include <string.h>

#include "pipeline/aws/customer.h"
#include "pipeline/aws/customer_call.h"
#include "pipeline/base/text.h"

#define BELOW "/object-types"

void pl_customer_type_release(struct pl_customer_type *type)
{
    json_decref(type->shape);
    type->shape = NULL;
}

int pl_customer_get_type(const struct pl_customer *c, const char *name,
                         bool *found, struct pl_customer_type *type,
                         struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "GetProfileObjectType",
                                          .method = "GET",
                                          .below = BELOW,
                                          .name = name};
    struct pl_json answer = {.value = NULL};
    struct pl_err cause = {0};

    *found = false;
    if (pl_customer_send(c, &call, NULL, &answer, &cause) == 0) {
        *found = true;
        type->shape = answer.value;
        return 0;
    }
    pl_json_release(&answer);
    if (cause.http_status == 404 &&
        strcmp(cause.service, "ResourceNotFoundException") == 0 &&
        pl_customer_probe(c, err) == 0)
        return 0; /* the domain is there, the type is not */
    if (err->code == PL_OK)
        *err = cause;
    return -1;
}

bool pl_customer_type_creates(const struct pl_customer_type *type)
{
    return json_is_true(json_object_get(type->shape, "AllowProfileCreation"));
}

/* The name under which the type has a column, or NULL. */
static const char *name_of(const json_t *fields, const char *header)
{
    const char *name;
    const json_t *field;

    json_object_foreach((json_t *)(uintptr_t)fields, name, field)
    {
        const char *source =
            json_string_value(json_object_get(field, "Source"));

        if (source != NULL && pl_starts_with(source, "_source.") &&
            strcmp(source + strlen("_source."), header) == 0)
            return name;
    }
    return NULL;
}

static bool has_text(const json_t *list, const char *text)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    }
    return false;
}

/* Whether a key of this kind is made of this one field. */
static bool has_key(const json_t *keys, const char *identifier,
                    const char *name)
{
    const char *key_name;
    const json_t *list;
    const json_t *key;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)keys, key_name, list)
    {
        json_array_foreach(list, i, key)
        {
            const json_t *names = json_object_get(key, "FieldNames");

            if (has_text(json_object_get(key, "StandardIdentifiers"),
                         identifier) &&
                json_array_size(names) == 1 && has_text(names, name))
                return true;
        }
    }
    return false;
}

const char *pl_customer_type_fault(const struct pl_customer_type *type,
                                   const struct pl_customer_field *fields,
                                   size_t count, const char *key,
                                   const char **header)
{
    const json_t *have = json_object_get(type->shape, "Fields");
    const json_t *keys = json_object_get(type->shape, "Keys");
    const char *name = name_of(have, key);

    *header = key;
    if (name == NULL)
        return "has no field for the key";
    if (!has_key(keys, "UNIQUE", name))
        return "has no UNIQUE key made of";
    if (!has_key(keys, "PROFILE", name))
        return "has no PROFILE key made of";
    for (size_t i = 0; i < count; i++) {
        const char *target;

        *header = fields[i].header;
        name = name_of(have, fields[i].header);
        if (name == NULL)
            return "has no field for";
        target = json_string_value(
            json_object_get(json_object_get(have, name), "Target"));
        if (target == NULL || strcmp(target, fields[i].target) != 0)
            return "puts elsewhere";
    }
    return NULL;
}

int pl_customer_put_type(const struct pl_customer *c,
                         const struct pl_customer_new_type *type,
                         struct pl_err *err)
{
    const struct pl_customer_call call = {.operation = "PutProfileObjectType",
                                          .method = "PUT",
                                          .below = BELOW,
                                          .name = type->name};
    PL_AUTO(pl_json) answer = {.value = NULL};
    json_t *body =
        json_pack("{s:s, s:o, s:{s:[{s:[s,s], s:[s]}]}, s:b, s:I}",
                  "Description", "Rows of lakeseg imports", "Fields",
                  pl_customer_fields(type->fields, type->field_count), "Keys",
                  type->key_name, "StandardIdentifiers", "UNIQUE", "PROFILE",
                  "FieldNames", type->key, "AllowProfileCreation", true,
                  "ExpirationDays", (json_int_t)type->expiry_days);

    if (body == NULL)
        return pl_fail(err, PL_CONFIG_INVALID,
                       "a text of the object type is not UTF-8");
    return pl_customer_send(c, &call, body, &answer, err);
}

static struct pl_customer_object *object_of(struct pl_customer_object *objects,
                                            size_t count, const json_t *item)
{
    const char *id = json_string_value(json_object_get(item, "Id"));

    for (size_t i = 0; id != NULL && i < count; i++)
        if (strcmp(objects[i].id, id) == 0)
            return &objects[i];
    return NULL;
}

static void note_failed(struct pl_customer_object *objects, size_t count,
                        const json_t *failed)
{
    const json_t *item;
    size_t i;

    json_array_foreach(failed, i, item)
    {
        struct pl_customer_object *o = object_of(objects, count, item);
        const int64_t code = pl_json_int(item, "Code", 500);

        if (o == NULL)
            continue;
        o->code = code > 0 && code < 1000 ? (int)code : 500;
        pl_json_text(item, "Message", o->why, sizeof(o->why));
    }
}

/* Every object must be named once, here or there. */
static int read_answer(struct pl_customer_object *objects, size_t count,
                       const json_t *answer, struct pl_err *err)
{
    const json_t *item;
    size_t i;

    for (i = 0; i < count; i++) {
        objects[i].code = -1;
        objects[i].why[0] = '\0';
    }
    json_array_foreach(json_object_get(answer, "Successful"), i, item)
    {
        struct pl_customer_object *o = object_of(objects, count, item);

        if (o != NULL)
            o->code = 0;
    }
    note_failed(objects, count, json_object_get(answer, "Failed"));
    for (i = 0; i < count; i++)
        if (objects[i].code < 0)
            return pl_fail(err, PL_SERVICE_UNAVAILABLE,
                           "BatchPutProfileObject says nothing of object %s",
                           objects[i].id);
    return 0;
}

int pl_customer_put_objects(const struct pl_customer *c, const char *type,
                            struct pl_customer_object *objects, size_t count,
                            struct pl_err *err)
{
    const struct pl_customer_call call = {
        .operation = "BatchPutProfileObject",
        .method = "PUT",
        .below = "/profiles/objects/batch-put-profile-object"};
    PL_AUTO(pl_json) answer = {.value = NULL};
    json_t *items = json_array();
    json_t *body;

    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(items,
                                  json_pack("{s:s, s:s}", "Id", objects[i].id,
                                            "Object", objects[i].text)) != 0) {
            json_decref(items);
            return pl_fail(err, PL_DATA_INVALID, "object %s is not UTF-8",
                           objects[i].id);
        }
    body = json_pack("{s:s, s:o}", "ObjectTypeName", type, "Items", items);
    if (body == NULL)
        return pl_fail_memory(err);
    if (pl_customer_send(c, &call, body, &answer, err) != 0)
        return -1;
    return read_answer(objects, count, answer.value, err);
}
