#include "local/endpoint_pool.h"
#include "local/endpoint_rules.h"

#include "pipeline/base/clock.h"
#include "pipeline/base/text.h"

static uint64_t id_hash(const struct local_endpoints *all, uint32_t number)
{
    const char *id = local_pool_text(&all->pool, all->items[number].id);

    return local_hash(id, strlen(id), true);
}

static uint64_t user_hash(const struct local_endpoints *all, uint32_t number)
{
    return (all->users[number].id + UINT64_C(1)) *
               UINT64_C(0x9e3779b97f4a7c15) >>
           20;
}

static uint64_t address_key(uint32_t address, uint8_t channel)
{
    return ((uint64_t)address << 8 | channel) * UINT64_C(0x9e3779b97f4a7c15) >>
           20;
}

static uint64_t address_hash(const struct local_endpoints *all, uint32_t number)
{
    return address_key(all->items[number].address, all->items[number].channel);
}

/* The place of an id, also of one that was deleted. */
static uint32_t find_place(const struct local_endpoints *all, const char *id,
                           size_t len)
{
    const struct local_index *ix = &all->by_id;
    size_t at;

    if (ix->cap == 0)
        return LOCAL_NO_TEXT;
    at = (size_t)local_hash(id, len, true) & (ix->cap - 1);
    for (; ix->slots[at] != 0; at = (at + 1) & (ix->cap - 1)) {
        const char *have =
            local_pool_text(&all->pool, all->items[ix->slots[at] - 1].id);

        if (pl_ieqn(have, strlen(have), id, len))
            return ix->slots[at] - 1;
    }
    return LOCAL_NO_TEXT;
}

uint32_t local_endpoints_find(const struct local_endpoints *all, const char *id,
                              size_t len)
{
    const uint32_t n = find_place(all, id, len);

    return n != LOCAL_NO_TEXT && !all->items[n].is_deleted ? n : LOCAL_NO_TEXT;
}

uint32_t local_endpoints_find_user(const struct local_endpoints *all,
                                   const char *user, size_t len)
{
    const struct local_index *ix = &all->by_user;
    const uint32_t id = local_pool_find(&all->pool, user, len);
    size_t at;

    if (id == LOCAL_NO_TEXT || ix->cap == 0)
        return LOCAL_NO_TEXT;
    at = (size_t)((id + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15) >> 20) &
         (ix->cap - 1);
    for (; ix->slots[at] != 0; at = (at + 1) & (ix->cap - 1))
        if (all->users[ix->slots[at] - 1].id == id)
            return ix->slots[at] - 1;
    return LOCAL_NO_TEXT;
}

void local_endpoints_release(struct local_endpoints *all)
{
    for (size_t i = 0; i < all->count; i++)
        free(all->items[i].fields.items);
    for (size_t i = 0; i < all->user_count; i++) {
        free(all->users[i].fields.items);
        free(all->users[i].endpoints);
    }
    free(all->items);
    free(all->users);
    free(all->by_id.slots);
    free(all->by_address.slots);
    free(all->by_user.slots);
    free(all->pool.index.slots);
    free(all->pool.starts);
    free(all->pool.bytes);
    *all = (struct local_endpoints){.count = 0};
}

/* The id of an endpoint that came without one: the same for the same channel
 * and address, so that the line later hits the same endpoint. */
static void derived_id(const struct local_incoming *in, char id[40])
{
    const uint64_t a = local_hash(in->channel->value, in->channel->len, false);
    const uint64_t b = local_hash(in->address->value, in->address->len, false);
    const uint64_t mixed = a * 31 + b * 17;

    (void)snprintf(id, 40, "%016llx%016llx", (unsigned long long)b,
                   (unsigned long long)mixed);
}

static int add_endpoint(struct local_endpoints *all, const char *id, size_t len,
                        uint32_t *number, struct pl_err *err)
{
    const struct local_keys_of keys = {all, id_hash};
    uint32_t text;

    *number = find_place(all, id, len);
    if (*number != LOCAL_NO_TEXT) { /* it was deleted */
        all->items[*number].is_deleted = false;
        return 0;
    }
    if (all->count == all->cap) {
        const size_t cap = all->cap * 2 + 256;
        struct local_endpoint *items =
            realloc(all->items, cap * sizeof(*items));

        if (items == NULL)
            return pl_fail_memory(err);
        all->items = items;
        all->cap = cap;
    }
    if (local_pool_add(all, id, len, &text, err) != 0 ||
        local_index_grow(&all->by_id, &keys, err) != 0)
        return -1;
    *number = (uint32_t)all->count++;
    all->items[*number] = (struct local_endpoint){
        .id = text, .address = LOCAL_NO_TEXT, .user = LOCAL_NO_TEXT};
    local_index_put(&all->by_id, local_hash(id, len, true), *number);
    return 0;
}

static int add_user(struct local_endpoints *all, const struct local_cell *cell,
                    uint32_t *number, struct pl_err *err)
{
    const struct local_keys_of keys = {all, user_hash};
    uint32_t text;

    *number = local_endpoints_find_user(all, cell->value, cell->len);
    if (*number != LOCAL_NO_TEXT)
        return 0;
    if (all->user_count == all->user_cap) {
        const size_t cap = all->user_cap * 2 + 256;
        struct local_user *users = realloc(all->users, cap * sizeof(*users));

        if (users == NULL)
            return pl_fail_memory(err);
        all->users = users;
        all->user_cap = cap;
    }
    if (local_pool_add(all, cell->value, cell->len, &text, err) != 0 ||
        local_index_grow(&all->by_user, &keys, err) != 0)
        return -1;
    *number = (uint32_t)all->user_count++;
    all->users[*number] = (struct local_user){.id = text};
    local_index_put(&all->by_user, user_hash(all, *number), *number);
    return 0;
}

static void leave_user(struct local_endpoints *all, uint32_t endpoint)
{
    struct local_user *u;

    if (all->items[endpoint].user == LOCAL_NO_TEXT)
        return;
    u = &all->users[all->items[endpoint].user];
    for (uint32_t i = 0; i < u->count; i++)
        if (u->endpoints[i] == endpoint) {
            u->endpoints[i] = u->endpoints[u->count - 1];
            u->count--;
            break;
        }
    all->items[endpoint].user = LOCAL_NO_TEXT;
}

void local_endpoints_delete(struct local_endpoints *all, uint32_t number)
{
    struct local_endpoint *e = &all->items[number];

    leave_user(all, number);
    free(e->fields.items);
    *e = (struct local_endpoint){.id = e->id,
                                 .address = LOCAL_NO_TEXT,
                                 .user = LOCAL_NO_TEXT,
                                 .is_deleted = true};
}

/* The user's oldest push endpoint gives up its place. */
static void make_place(struct local_endpoints *all, uint32_t user)
{
    const struct local_user *u = &all->users[user];
    uint32_t oldest = LOCAL_NO_TEXT;

    for (uint32_t i = 0; i < u->count; i++)
        if (local_is_push(all->items[u->endpoints[i]].channel) &&
            (oldest == LOCAL_NO_TEXT ||
             all->items[u->endpoints[i]].effective_ms <
                 all->items[oldest].effective_ms))
            oldest = u->endpoints[i];
    if (oldest == LOCAL_NO_TEXT)
        return;
    leave_user(all, oldest);
    all->items[oldest].is_inactive = true;
}

static int join_user(struct local_endpoints *all, uint32_t endpoint,
                     const struct local_cell *cell, struct pl_err *err)
{
    struct local_user *u;
    uint32_t user;
    uint32_t *list;

    if (add_user(all, cell, &user, err) != 0)
        return -1;
    if (all->items[endpoint].user == user)
        return 0;
    leave_user(all, endpoint);
    if (all->users[user].count >= LOCAL_USER_ENDPOINTS_MAX)
        make_place(all, user);
    u = &all->users[user];
    list = realloc(u->endpoints, (u->count + 1) * sizeof(*list));
    if (list == NULL)
        return pl_fail_memory(err);
    u->endpoints = list;
    list[u->count++] = endpoint;
    all->items[endpoint].user = user;
    return 0;
}

static void drop_field(struct local_fields *fields, uint32_t name)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < fields->count; i++)
        if (fields->items[i].name != name)
            fields->items[kept++] = fields->items[i];
    fields->count = kept;
}

static int add_field(struct local_fields *fields, uint32_t name, uint32_t value,
                     struct pl_err *err)
{
    struct local_field *items =
        realloc(fields->items, (fields->count + 1) * sizeof(*items));

    if (items == NULL)
        return pl_fail_memory(err);
    fields->items = items;
    items[fields->count++] = (struct local_field){name, value};
    return 0;
}

static int note_custom(struct local_endpoints *all,
                       const struct local_cell *cells, size_t count,
                       struct pl_err *err)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t text;

        if (!local_is_custom(&cells[i]) ||
            local_knows_custom(all, cells[i].column))
            continue;
        if (local_pool_add(all, cells[i].column, strlen(cells[i].column), &text,
                           err) != 0)
            return -1;
        all->custom[all->custom_count++] = text;
    }
    return 0;
}

/* Attributes replace those of their name; the others stay. */
static int set_fields(struct local_endpoints *all, uint32_t endpoint,
                      const struct local_cell *cells, size_t count,
                      struct pl_err *err)
{
    const uint32_t user = all->items[endpoint].user;

    for (size_t i = 0; i < count; i++) {
        const struct local_cell *c = &cells[i];
        struct local_fields *fields = &all->items[endpoint].fields;
        uint32_t name;
        uint32_t value;

        if (c->kind < LOCAL_COL_ATTRIBUTE ||
            strcmp(c->column, "EffectiveDate") == 0)
            continue;
        if (c->kind == LOCAL_COL_USER_ATTRIBUTE && user != LOCAL_NO_TEXT)
            fields = &all->users[user].fields;
        if (local_pool_add(all, c->column, strlen(c->column), &name, err) !=
                0 ||
            local_pool_add(all, c->value, c->len, &value, err) != 0)
            return -1;
        if (local_cells_before(cells, i) == 0)
            drop_field(fields, name);
        if (add_field(fields, name, value, err) != 0)
            return -1;
    }
    return 0;
}

/* Of two endpoints with one address the last one that was written counts. */
static int claim_address(struct local_endpoints *all, uint32_t endpoint,
                         struct pl_err *err)
{
    const struct local_keys_of keys = {all, address_hash};
    const struct local_endpoint *e = &all->items[endpoint];
    const uint64_t hash = address_key(e->address, e->channel);
    struct local_index *ix = &all->by_address;
    size_t at;

    if (local_index_grow(ix, &keys, err) != 0)
        return -1;
    at = (size_t)hash & (ix->cap - 1);
    for (; ix->slots[at] != 0; at = (at + 1) & (ix->cap - 1)) {
        const uint32_t other = ix->slots[at] - 1;

        if (all->items[other].address != e->address ||
            all->items[other].channel != e->channel)
            continue;
        if (other != endpoint)
            all->items[other].is_inactive = true;
        ix->slots[at] = endpoint + 1;
        return 0;
    }
    local_index_put(ix, hash, endpoint);
    return 0;
}

static int set_address(struct local_endpoints *all, uint32_t endpoint,
                       const struct local_incoming *in, struct pl_err *err)
{
    uint32_t text;

    if (in->channel != NULL)
        all->items[endpoint].channel =
            (uint8_t)local_channel(in->channel->value, in->channel->len);
    if (in->address != NULL) {
        if (local_pool_add(all, in->address->value, in->address->len, &text,
                           err) != 0)
            return -1;
        all->items[endpoint].address = text;
    }
    if (in->channel == NULL && in->address == NULL)
        return 0;
    all->items[endpoint].is_inactive = false;
    return claim_address(all, endpoint, err);
}

/* What both of the next functions begin with. */
struct target {
    struct local_incoming in;
    char made[40];
    const char *id;
    size_t len;
    uint32_t known;
};

static int aim(const struct local_endpoints *all,
               const struct local_cell *cells, size_t count, struct target *t,
               char why[160])
{
    const char *reason;

    *t = (struct target){.in = local_incoming_of(cells, count)};
    t->id = t->made;
    if (t->in.id != NULL) {
        t->id = t->in.id->value;
        t->len = t->in.id->len;
    } else if (t->in.channel != NULL && t->in.address != NULL) {
        derived_id(&t->in, t->made);
        t->len = strlen(t->made);
    }
    t->known = local_endpoints_find(all, t->id, t->len);
    reason = local_record_fault(all, &t->in, t->known, cells, count);
    if (reason == NULL)
        return 0;
    (void)snprintf(why, 160, "%s", reason);
    return 1;
}

int local_endpoints_judge(struct local_endpoints *all,
                          const struct local_cell *cells, size_t count,
                          uint32_t *id, uint8_t *channel, char why[160],
                          struct pl_err *err)
{
    struct target t;

    if (aim(all, cells, count, &t, why) != 0)
        return 1;
    *channel =
        t.in.channel != NULL
            ? (uint8_t)local_channel(t.in.channel->value, t.in.channel->len)
            : all->items[t.known].channel;
    return local_pool_add(all, t.id, t.len, id, err);
}

/* When the record says that it holds, else now. */
static int64_t effective_ms(const struct local_cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[40];
        int64_t at_ms = 0;

        if (strcmp(cells[i].column, "EffectiveDate") != 0 ||
            cells[i].len >= sizeof(text))
            continue;
        memcpy(text, cells[i].value, cells[i].len);
        text[cells[i].len] = '\0';
        if (pl_time_parse_iso(text, &at_ms) == 0)
            return at_ms;
    }
    return pl_now_ms(&pl_clock_real);
}

int local_endpoints_apply(struct local_endpoints *all,
                          const struct local_cell *cells, size_t count,
                          uint32_t *number, char why[160], struct pl_err *err)
{
    struct target t;

    if (aim(all, cells, count, &t, why) != 0)
        return 1;
    if ((t.known == LOCAL_NO_TEXT &&
         add_endpoint(all, t.id, t.len, &t.known, err) != 0) ||
        note_custom(all, cells, count, err) != 0)
        return -1;
    all->items[t.known].effective_ms = effective_ms(cells, count);
    if (set_address(all, t.known, &t.in, err) != 0 ||
        (t.in.user != NULL && join_user(all, t.known, t.in.user, err) != 0) ||
        set_fields(all, t.known, cells, count, err) != 0)
        return -1;
    *number = t.known;
    return 0;
}
