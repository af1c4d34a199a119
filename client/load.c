/* SPDX-License-Identifier: MIT */
#include "client/load.h"

#include <math.h>
#include <string.h>

#include "client/facts.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/err.h"

#include "core/banned.h"

/* Both cards as they are now. */
struct cards {
	const struct rp_load *load;
	struct rp_load_card lan;
	struct rp_load_card wan;
};

static double rounded(double percent)
{
	return round(percent * 100) / 100;
}

static void take_card(struct rp_load_card *card, const char *name, const struct rp_card_bytes *c)
{
	if (name != NULL && rp_str_eq(c->name, name)) {
		card->seen = true;
		card->in = c->in;
		card->out = c->out;
	}
}

static bool on_card_line(void *ctx, struct rp_str line)
{
	struct cards *now = ctx;
	struct rp_card_bytes c;
	if (rp_procfs_card(line, &c) == 0) {
		take_card(&now->lan, now->load->lan.name, &c);
		take_card(&now->wan, now->load->wan.name, &c);
	}
	return true;
}

static struct rp_load_rate rate(
    const struct rp_load_card *before, const struct rp_load_card *now, uint64_t ns)
{
	if (!before->seen || !now->seen || ns == 0 || now->in < before->in ||
	    now->out < before->out) {
		return (struct rp_load_rate){0};
	}
	double seconds = (double)ns / (double)RP_NS_PER_S;
	return (struct rp_load_rate){
	    .set = true,
	    .in = (int64_t)((double)(now->in - before->in) / seconds),
	    .out = (int64_t)((double)(now->out - before->out) / seconds),
	};
}

static void look_at_cards(struct rp_load *l, struct rp_fact_file *f, struct rp_load_values *v)
{
	struct cards now = {.load = l, .lan.name = l->lan.name, .wan.name = l->wan.name};
	uint64_t at_ns = rp_clock_ns();
	if (l->lan.name != NULL || l->wan.name != NULL) {
		rp_fact_lines(l->root, "/proc/net/dev", f, on_card_line, &now);
	}
	v->lan = rate(&l->lan, &now.lan, at_ns - l->at_ns);
	v->wan = rate(&l->wan, &now.wan, at_ns - l->at_ns);
	l->lan = now.lan;
	l->wan = now.wan;
	l->at_ns = at_ns;
}

static void look_at_cpu(struct rp_load *l, struct rp_fact_file *f, struct rp_load_values *v)
{
	struct rp_cpu_times now;
	rp_fact_read(l->root, "/proc/stat", f);
	if (rp_procfs_cpu(rp_str_n(f->text, f->n), &now) == 0) {
		v->cpu = rounded(rp_procfs_share(l->cpu.busy, now.busy, l->cpu.total, now.total));
		v->io = rounded(
		    rp_procfs_share(l->cpu.iowait, now.iowait, l->cpu.total, now.total));
		l->cpu = now;
	}
}

static void look_at_memory(
    const struct rp_load *l, struct rp_fact_file *f, struct rp_load_values *v)
{
	struct rp_memory m;
	rp_fact_read(l->root, "/proc/meminfo", f);
	if (rp_procfs_memory(rp_str_n(f->text, f->n), &m) == 0) {
		v->memory_total = m.total;
		v->memory = rounded((double)m.used * 100 / (double)m.total);
	}
}

int rp_load_look(struct rp_load *l, struct rp_load_values *v)
{
	*v = (struct rp_load_values){0};
	struct rp_fact_file *f = rp_malloc(sizeof(*f));
	if (f == NULL) {
		return RP_ENOMEM;
	}
	look_at_cpu(l, f, v);
	look_at_memory(l, f, v);
	look_at_cards(l, f, v);
	rp_free(f);
	return 0;
}

void rp_load_init(struct rp_load *l, const char *root, const char *lan, const char *wan)
{
	struct rp_load_values first;
	*l = (struct rp_load){.root = root, .lan.name = lan, .wan.name = wan};
	/* Without memory the next look takes the time since the start of the machine. */
	(void)(rp_load_look(l, &first) == 0);
}
