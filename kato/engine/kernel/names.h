/* Names of models, each in a few bytes.

   Nearly all are "MODEL|" and the 40 hexadecimal digits of a SHA-1: these take 21 bytes, others
   their length and one more. They are compared as the texts they stand for. */

#ifndef KATO_NAMES_H
#define KATO_NAMES_H

#include <stddef.h>

enum { KATO_PACKED = 21, KATO_LONG_NAME = 46 };

/* Pack a name in UTF-8 into `packed`, which has room for `length` + 1 and for KATO_PACKED bytes;
   gives how many it takes. */
size_t kato_name_pack(const char *name, size_t length, unsigned char *packed);

/* The text of a packed name. `text` has room for KATO_LONG_NAME bytes, and is used where the text
   does not stand in `packed` as it is. */
const char *kato_name_text(const unsigned char *packed, size_t size, char *text, size_t *length);

/* Less than, equal to or more than 0, as the first name comes before, is or comes after the
   second by its code points. */
int kato_name_order(const unsigned char *a, size_t a_size, const unsigned char *b, size_t b_size);

#endif
