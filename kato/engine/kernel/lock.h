/* One writer, or any number of readers. A writer that waits goes before readers that come later. */

#ifndef KATO_LOCK_H
#define KATO_LOCK_H

#include <pthread.h>
#include <stdbool.h>

struct kato_lock {
    pthread_mutex_t mutex;
    pthread_cond_t freed;
    unsigned readers, waiting_writers;
    bool writing;
};

/* False where the system has no room for another lock. */
bool kato_lock_begin(struct kato_lock *lock);
void kato_lock_end(struct kato_lock *lock);

/* Take the lock if that needs no waiting. */
bool kato_lock_try_read(struct kato_lock *lock);
bool kato_lock_try_write(struct kato_lock *lock);

/* Take the lock, however long it takes. */
void kato_lock_read(struct kato_lock *lock);
void kato_lock_write(struct kato_lock *lock);

void kato_lock_read_done(struct kato_lock *lock);
void kato_lock_write_done(struct kato_lock *lock);

#endif
