#include "top.h"

#include "alloc.h"
#include "names.h"

bool kato_is_better(const struct kato_memory *memory, const struct kato_entry *a,
                    const struct kato_entry *b)
{
    if (a->value != b->value)
        return a->value > b->value;
    if (a->kept.frequency != b->kept.frequency)
        return a->kept.frequency > b->kept.frequency;
    size_t a_size, b_size;
    const unsigned char *a_name = kato_name(memory, a->kept.id, &a_size);
    const unsigned char *b_name = kato_name(memory, b->kept.id, &b_size);
    return kato_name_order(a_name, a_size, b_name, b_size) < 0;
}

/* Let an entry sink from `i` to where it belongs among the first `count`. */
static void sink(struct kato_top *top, struct kato_entry entry, size_t count, size_t i)
{
    struct kato_entry *heap = top->entry;
    for (size_t child; (child = 2 * i + 1) < count; i = child) {
        if (child + 1 < count && kato_is_better(top->memory, &heap[child], &heap[child + 1]))
            child++;
        if (!kato_is_better(top->memory, &entry, &heap[child]))
            break;
        heap[i] = heap[child];
    }
    heap[i] = entry;
}

bool kato_top_offer(struct kato_top *top, const struct kato_entry *entry)
{
    if (top->count == top->most) {
        if (kato_is_better(top->memory, entry, &top->entry[0]))
            sink(top, *entry, top->count, 0);
        return true;
    }
    if (!KATO_ROOM(top->entry, top->room, top->count + 1))
        return false;
    size_t i = top->count++;
    for (; i > 0 && kato_is_better(top->memory, &top->entry[(i - 1) / 2], entry); i = (i - 1) / 2)
        top->entry[i] = top->entry[(i - 1) / 2];
    top->entry[i] = *entry;
    return true;
}

void kato_top_sort(struct kato_top *top)
{
    for (size_t last = top->count; last-- > 1;) {
        struct kato_entry entry = top->entry[last];
        top->entry[last] = top->entry[0];
        sink(top, entry, last, 0);
    }
}
