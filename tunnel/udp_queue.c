/* SPDX-License-Identifier: MIT */
/*
 * Deficit round robin over the sources that have something waiting. A source whose datagram was
 * larger than its credit goes into debt and waits as many rounds as that is worth.
 */
#include "tunnel/udp_queue.h"

#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/err.h"

#include "core/banned.h"

/* Credit of a turn. */
#define TURN_BYTES 4096
/* The process's account is kept in steps, so that loops seldom meet there. */
#define STEP_BYTES ((size_t)64 * 1024)
/* An item's own memory, roughly what an allocator adds included. */
#define ITEM_BYTES (sizeof(struct rp_udp_item) + 16u)

struct rp_udp_item {
	struct rp_udp_item *next;
	size_t len;
	uint8_t bytes[]; /* a whole message of the stream */
};

/* Reserved by all queues together. */
static atomic_size_t process_bytes;

/* --- limits --- */

static size_t cost(const struct rp_udp_item *it)
{
	return it->len + ITEM_BYTES;
}

static size_t steps(size_t n)
{
	return (n + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
}

/* Whether the queue may hold n bytes. */
static bool reserve(struct rp_udp_queue *q, size_t n)
{
	if (n <= q->reserved || n <= RP_UDP_QUEUE_BYTES_MIN) {
		return true;
	}
	size_t more = steps(n) - q->reserved;
	if (atomic_fetch_add_explicit(&process_bytes, more, memory_order_relaxed) + more >
	    RP_UDP_PROCESS_BYTES_MAX) {
		(void)atomic_fetch_sub_explicit(&process_bytes, more, memory_order_relaxed);
		return false;
	}
	q->reserved += more;
	return true;
}

/* Gives back what is not needed; a step is kept, unless the queue is empty. */
static void give_back(struct rp_udp_queue *q)
{
	size_t keep = q->bytes == 0 ? 0 : steps(q->bytes) + STEP_BYTES;
	if (q->reserved > keep) {
		(void)atomic_fetch_sub_explicit(
		    &process_bytes, q->reserved - keep, memory_order_relaxed);
		q->reserved = keep;
	}
}

/* --- lines --- */

static unsigned class_of(size_t bytes)
{
	unsigned n = (unsigned)(sizeof(unsigned long) * 8 - 1) -
	    (unsigned)__builtin_clzl((unsigned long)bytes | 1);
	return RP_MIN(n, RP_UDP_WEIGHTS - 1u);
}

static void leave_class(struct rp_udp_queue *q, struct rp_udp_line *line)
{
	rp_list_remove(&line->weight);
	if (rp_list_empty(&q->weights[line->weight_class])) {
		q->weights_used &= ~(1u << line->weight_class);
	}
}

static void enter_class(struct rp_udp_queue *q, struct rp_udp_line *line)
{
	line->weight_class = class_of(line->bytes);
	rp_list_append(&q->weights[line->weight_class], &line->weight);
	q->weights_used |= 1u << line->weight_class;
}

/* After its bytes changed. */
static void weigh(struct rp_udp_queue *q, struct rp_udp_line *line)
{
	if (line->bytes == 0) {
		leave_class(q, line);
		rp_list_remove(&line->turn);
	} else if (class_of(line->bytes) != line->weight_class) {
		leave_class(q, line);
		enter_class(q, line);
	}
}

static void push(struct rp_udp_queue *q, struct rp_udp_line *line, struct rp_udp_item *it)
{
	bool first = line->first == NULL;
	if (first) {
		line->first = it;
	} else {
		line->last->next = it;
	}
	line->last = it;
	line->bytes += cost(it);
	q->bytes += cost(it);
	q->n++;
	if (first) {
		line->credit = TURN_BYTES;
		rp_list_append(&q->turns, &line->turn);
		enter_class(q, line);
	} else {
		weigh(q, line);
	}
}

/* Takes the oldest of a line that has one. */
static struct rp_udp_item *pop(struct rp_udp_queue *q, struct rp_udp_line *line)
{
	struct rp_udp_item *it = line->first;
	line->first = it->next;
	it->next = NULL;
	line->bytes -= cost(it);
	q->bytes -= cost(it);
	q->n--;
	weigh(q, line);
	return it;
}

/* The oldest datagram of a source that has most waiting; false if nothing waits. */
static bool drop_one(struct rp_udp_queue *q)
{
	if (q->weights_used == 0) {
		return false;
	}
	const struct rp_list *heaviest = &q->weights[class_of(q->weights_used)];
	rp_free(pop(q, RP_LIST_ENTRY(heaviest->next, struct rp_udp_line, weight)));
	q->dropped++;
	return true;
}

void rp_udp_line_init(struct rp_udp_line *line)
{
	*line = (struct rp_udp_line){.first = NULL};
	rp_list_init(&line->turn);
	rp_list_init(&line->weight);
}

void rp_udp_line_clear(struct rp_udp_queue *q, struct rp_udp_line *line)
{
	while (line->first != NULL) {
		rp_free(pop(q, line));
	}
	give_back(q);
}

/* --- the queue --- */

void rp_udp_queue_init(struct rp_udp_queue *q)
{
	*q = (struct rp_udp_queue){.n = 0};
	rp_list_init(&q->turns);
	for (unsigned i = 0; i < RP_UDP_WEIGHTS; i++) {
		rp_list_init(&q->weights[i]);
	}
}

static void drop_moving(struct rp_udp_queue *q)
{
	rp_free(q->moving);
	q->moving = NULL;
	q->moved = 0;
}

void rp_udp_queue_fini(struct rp_udp_queue *q)
{
	while (!rp_list_empty(&q->turns)) {
		rp_free(pop(q, RP_LIST_ENTRY(q->turns.next, struct rp_udp_line, turn)));
	}
	drop_moving(q);
	give_back(q);
}

/* An item with the record's message; NULL: no memory, or not a record that can be sent. */
static struct rp_udp_item *encode(const struct rp_udp_record *rec)
{
	uint8_t head[RP_GOB_HEAD_MAX];
	int head_len = rp_gob_head(rec, head);
	if (head_len < 0) {
		return NULL;
	}
	size_t len = (size_t)head_len + rec->data_len + 1;
	struct rp_udp_item *it = rp_malloc(sizeof(*it) + len);
	if (it == NULL) {
		return NULL;
	}
	it->next = NULL;
	it->len = len;
	memcpy(it->bytes, head, (size_t)head_len);
	if (rec->data_len > 0) {
		memcpy(&it->bytes[head_len], rec->data, rec->data_len);
	}
	it->bytes[len - 1] = 0;
	return it;
}

void rp_udp_queue_add(
    struct rp_udp_queue *q, struct rp_udp_line *line, const struct rp_udp_record *rec)
{
	struct rp_udp_item *it = encode(rec);
	if (it == NULL) {
		q->dropped++;
		return;
	}
	size_t n = cost(it);
	while (q->bytes + n > RP_UDP_QUEUE_BYTES_MAX || !reserve(q, q->bytes + n)) {
		if (!drop_one(q)) {
			/* A large one, and other tunnels have used up what there is. */
			rp_free(it);
			q->dropped++;
			return;
		}
	}
	push(q, line, it);
}

/* Chooses the datagram that goes next; false when none is left. */
static bool take_next(struct rp_udp_queue *q)
{
	if (rp_list_empty(&q->turns)) {
		return false;
	}
	struct rp_udp_line *line = RP_LIST_ENTRY(q->turns.next, struct rp_udp_line, turn);
	while (line->credit <= 0) {
		line->credit += TURN_BYTES;
		rp_list_remove(&line->turn);
		rp_list_append(&q->turns, &line->turn);
		line = RP_LIST_ENTRY(q->turns.next, struct rp_udp_line, turn);
	}
	q->moving = pop(q, line);
	line->credit -= (int)q->moving->len;
	give_back(q);
	return true;
}

static size_t pull_intro(struct rp_udp_queue *q, uint8_t *p, size_t max)
{
	struct rp_str intro = rp_gob_descriptors();
	if (q->intro_sent == intro.len || (q->moving == NULL && q->n == 0)) {
		return 0;
	}
	size_t n = RP_MIN(max, intro.len - q->intro_sent);
	memcpy(p, &intro.p[q->intro_sent], n);
	q->intro_sent += n;
	return n;
}

size_t rp_udp_queue_pull(struct rp_udp_queue *q, uint8_t *p, size_t max)
{
	size_t done = pull_intro(q, p, max);
	while (done < max && (q->moving != NULL || take_next(q))) {
		size_t n = RP_MIN(max - done, q->moving->len - q->moved);
		memcpy(p + done, &q->moving->bytes[q->moved], n);
		q->moved += n;
		done += n;
		if (q->moved == q->moving->len) {
			drop_moving(q);
		}
	}
	return done;
}

void rp_udp_queue_restart(struct rp_udp_queue *q)
{
	q->intro_sent = 0;
	if (q->moved > 0) {
		drop_moving(q);
	}
}
