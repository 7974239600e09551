/* Writes JSON into a buffer that grows. */

#ifndef KATO_WRITER_H
#define KATO_WRITER_H

#include "binding.h"

struct kato_writer {
    char *text;
    size_t used, room;
};

/* Each is false where Python has an error set. */
bool kato_write(struct kato_writer *writer, const char *bytes, size_t count);
bool kato_write_text(struct kato_writer *writer, const char *text);

/* A finite float as repr tells it. */
bool kato_write_float(struct kato_writer *writer, double value);
bool kato_write_count(struct kato_writer *writer, uint64_t value);

#endif
