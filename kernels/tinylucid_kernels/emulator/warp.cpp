// Warps: 32 neighbouring threads whose lanes exchange values. Each lane of the mask deposits what it gives and waits; the
// last to come serves them all.
#include "runtime.h"

namespace emu {

int lanes_waiting;

static void serve(int first, unsigned lanes, Operation operation) {
    if (operation == SYNC && launch->check) lanes_met(first, lanes);
    unsigned ballot = 0;
    for (int l = 0; l < 32; ++l)
        if (lanes >> l & 1 && thread(first + l)->given) ballot |= 1u << l;
    for (int l = 0; l < 32; ++l) {
        if (!(lanes >> l & 1)) continue;
        Thread *lane = thread(first + l);
        if (operation == BALLOT) lane->got = (uint64_t)lanes << 32 | ballot;
        if (operation == SHUFFLE) {
            if (!(lanes >> lane->from & 1)) {
                current = lane;
                EMU_FAIL("a shuffle at %s:%d reads lane %d, which takes no part in it", name_of(lane->place.file),
                         lane->place.line, lane->from);
            }
            lane->got = thread(first + lane->from)->given;
        }
        if (operation == MATCH) {
            lane->got = 0;
            for (int m = 0; m < 32; ++m)
                if (lanes >> m & 1 && thread(first + m)->given == lane->given) lane->got |= 1u << m;
        }
    }
}

// The lanes of a mask that take part, if all that have not ended are there; 0 if some are yet to come.
static unsigned lanes_present(int first, unsigned mask, Operation operation) {
    unsigned present = 0;
    for (int l = 0; l < 32 && first + l < thread_count; ++l) {
        Thread *lane = thread(first + l);
        if (!(mask >> l & 1) || lane->state == DONE) continue;
        if (lane->state != AT_WARP || lane->mask != mask || lane->operation != operation) return 0;
        present |= 1u << l;
    }
    return present;
}

static void wake_lanes(int first, unsigned lanes) {
    for (int l = 0; l < 32; ++l) {
        if (!(lanes >> l & 1)) continue;
        wake(thread(first + l));
        --lanes_waiting;
    }
}

unsigned long long meet(Operation operation, unsigned mask, unsigned long long value, int from, const char *file, int line) {
    Thread *self = current;
    int first = self->number / 32 * 32;
    if (!(mask >> self->number % 32 & 1))
        EMU_FAIL("lane %d takes part at %s:%d, but is not in its own mask %08x", self->number % 32, name_of(file), line, mask);
    self->state = AT_WARP;
    self->place = {file, line};
    self->operation = operation, self->mask = mask, self->given = value, self->from = from;
    unsigned lanes = lanes_present(first, mask, operation);
    if (!lanes) {
        ++lanes_waiting;
        wait();
        return self->got;
    }
    serve(first, lanes, operation);
    wake_lanes(first, lanes & ~(1u << self->number % 32));
    self->state = READY;
    return self->got;
}

void serve_waiting(int first) {
    for (int l = 0; lanes_waiting && l < 32 && first + l < thread_count; ++l) {
        Thread *lane = thread(first + l);
        if (lane->state != AT_WARP) continue;
        unsigned lanes = lanes_present(first, lane->mask, lane->operation);
        if (lanes) serve(first, lanes, lane->operation);
        wake_lanes(first, lanes);
    }
}

}  // namespace emu
