#include "desk.h"

#include <math.h>
#include <string.h>

#include "alloc.h"

static void desk_free(struct kato_desk *desk)
{
    kato_view_end(&desk->view);
    kato_counting_end(&desk->counting);
    kato_notes_end(&desk->notes);
    kato_free(desk->where);
    kato_free(desk->slot);
    kato_free(desk->state_slot);
    kato_free(desk->code);
    kato_free(desk->short_slot);
    kato_free(desk->long_slot);
    kato_free(desk->tally);
    kato_free(desk->part);
    kato_free(desk);
}

/* Desks that nobody works at. */
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static struct kato_desk *idle;
static int idle_count;

#ifdef KATO_FAULTS
enum { MOST_IDLE = 0 }; /* so that every query asks for all the memory that it needs */
#else
enum { MOST_IDLE = 8 };
#endif

static struct kato_desk *idle_desk(void)
{
    pthread_mutex_lock(&idle_lock);
    struct kato_desk *desk = idle;
    if (desk) {
        idle = desk->next;
        idle_count--;
    }
    pthread_mutex_unlock(&idle_lock);
    return desk ? desk : kato_zeroed(1, sizeof *desk);
}

/* Room by code, where what is new is 0. */
static bool zero_room(void *array, size_t *room, size_t needed, size_t size)
{
    size_t known = *room;
    unsigned char *bytes;
    if (needed <= known)
        return true;
    if (!kato_room(array, room, needed, size))
        return false;
    memcpy(&bytes, array, sizeof bytes);
    memset(bytes + known * size, 0, (*room - known) * size);
    return true;
}

static bool desk_room(struct kato_desk *desk, const struct kato_memory *memory, size_t length)
{
    size_t longest = (size_t)memory->longest + 1;
    bool slots = length <= KATO_SHORT
                     ? zero_room(&desk->short_slot, &desk->short_slot_room, memory->codes, 1)
                     : zero_room(&desk->long_slot, &desk->long_slot_room, memory->codes,
                                 sizeof *desk->long_slot);
    return slots
           && zero_room(&desk->tally, &desk->tally_room, memory->codes, sizeof *desk->tally)
           && KATO_ROOM(desk->where, desk->where_room, longest)
           && KATO_ROOM(desk->slot, desk->slot_room, longest)
           && KATO_ROOM(desk->state_slot, desk->state_slot_room, length)
           && KATO_ROOM(desk->code, desk->code_room, length + 1)
           && KATO_ROOM(desk->part, desk->part_room, length + 1)
           && kato_notes_room(&desk->notes, length, longest) && kato_counting_room(&desk->counting);
}

static void set_slot(struct kato_desk *desk, bool is_short, uint32_t code, uint32_t slot)
{
    if (is_short)
        desk->short_slot[code] = (uint8_t)slot;
    else
        desk->long_slot[code] = slot;
}

/* Give each distinct known symbol of the state a slot; gives how many there are. */
static uint32_t give_slots(struct kato_desk *desk, const struct kato_memory *memory,
                           const uint32_t *state, size_t length)
{
    bool is_short = length <= KATO_SHORT;
    uint32_t slots = 0;
    for (size_t i = 0; i < length; i++)
        if (state[i] != KATO_NONE) {
            __builtin_prefetch(&memory->weight[state[i]]);
            __builtin_prefetch(&memory->first[state[i]]);
        }
    for (size_t i = 0; i < length; i++) {
        uint32_t code = state[i], slot = 0;
        if (code != KATO_NONE && memory->weight[code]) {
            slot = is_short ? desk->short_slot[code] : desk->long_slot[code];
            if (slot == 0) {
                slot = ++slots;
                desk->code[slot] = code;
                set_slot(desk, is_short, code, slot);
            }
        }
        desk->state_slot[i] = slot;
    }
    return slots;
}

static void weigh_state(struct kato_desk *desk, const struct kato_memory *memory)
{
    struct kato_sum squares = {0};
    for (uint32_t slot = 1; slot <= desk->view.slots; slot++) {
        double part = kato_probability(memory, desk->code[slot])
                      * (double)kato_view_count(&desk->view, slot);
        desk->part[slot] = part;
        kato_sum_add(&squares, part * part);
    }
    desk->norm = sqrt(kato_sum_total(&squares));
}

static void clear_slots(struct kato_desk *desk, uint32_t slots, bool is_short)
{
    for (uint32_t slot = 1; slot <= slots; slot++)
        set_slot(desk, is_short, desk->code[slot], 0);
}

struct kato_desk *kato_desk_take(const struct kato_memory *memory, const uint32_t *state,
                                 size_t length)
{
    struct kato_desk *desk = idle_desk();
    if (desk == NULL)
        return NULL;
    if (!desk_room(desk, memory, length)) {
        desk_free(desk);
        return NULL;
    }
    uint32_t slots = give_slots(desk, memory, state, length);
    if (!kato_view_set(&desk->view, desk->state_slot, length, slots)) {
        desk_free(desk);
        return NULL;
    }
    weigh_state(desk, memory);
    return desk;
}

void kato_desk_leave(struct kato_desk *desk)
{
    clear_slots(desk, desk->view.slots, desk->view.length <= KATO_SHORT);
    pthread_mutex_lock(&idle_lock);
    bool keep = idle_count < MOST_IDLE;
    if (keep) {
        desk->next = idle;
        idle = desk;
        idle_count++;
    }
    pthread_mutex_unlock(&idle_lock);
    if (!keep)
        desk_free(desk);
}

double kato_distance(struct kato_desk *desk, const struct kato_memory *memory,
                     const uint32_t *words, size_t count)
{
    struct kato_sum dot = {0}, squares = {0};
    for (size_t i = 0; i < count; i++)
        desk->tally[KATO_CODE(words[i])]++;
    for (size_t i = 0; i < count; i++) {
        uint32_t code = KATO_CODE(words[i]), times = desk->tally[code];
        if (times == 0)
            continue;
        desk->tally[code] = 0;
        double part = kato_probability(memory, code) * (double)times;
        uint32_t slot = kato_slot(desk, code);
        if (slot)
            kato_sum_add(&dot, desk->part[slot] * part);
        kato_sum_add(&squares, part * part);
    }
    return 1.0 - kato_sum_total(&dot) / (desk->norm * sqrt(kato_sum_total(&squares)));
}
