// The check build: what compute-sanitizer looks for on a GPU.
//
// g++ -fsanitize=thread puts a call before each load and store, and -fsanitize=bounds one where an index leaves an array of
// known size. Usually the compiler's own libraries answer; they know nothing of CUDA's threads, so this file answers instead.
//
// For each word of an array and of shared memory a cell remembers its last write, its last two readers and its last atomic.
// An access is a race if one of those is another thread's, one of the two writes, and nothing put the two in order:
//   threads of different blocks are never in order (within one launch; the shared memory of other blocks is other memory);
//   threads of one block are, if a __syncthreads lies between: `epoch` counts them;
//   lanes of one warp are, if a __syncwarp lies between: each lane has a clock, and knows of each other lane up to which
//   time its accesses are past (a vector clock). Shuffles and votes put no memory in order, on a GPU neither.
#include <cstdlib>
#include <cstring>

#include "runtime.h"

extern "C" __attribute__((visibility("hidden"))) char __ehdr_start[], _end[];  // of the runtime, where threadIdx lives

namespace emu {

static const char *const NAMES[] = {"read", "write", "atomic"};

struct Access {
    uint32_t block;  // its number + 1; 0: there was none
    uint32_t epoch;
    uint32_t code;   // the instruction, as a distance from the library's beginning
    uint16_t thread, clock;
};
struct Cell { Access write, reads[2], atomic; };

struct Region {      // an array or the shared memory, with one cell for each unit of so many bytes
    uint64_t first, last;
    int unit;
    bool shared;
    Cell *cells;
};

const char *last_access;
static Region regions[65];
static int region_count;
static uint32_t epoch;
static uint16_t clocks[1024];    // of each thread; they begin at 1, so that nothing is known at first
static uint16_t seen[1024][32];  // seen[thread][lane]: up to which clock that lane's accesses come before the thread's

static void add_region(uint64_t first, uint64_t last, int unit, bool shared) {
    size_t cells = (last - first) / unit + 2;
    regions[region_count++] = {first, last, unit, shared, (Cell *)calloc(cells, sizeof(Cell))};
}

void begin_checks() {
    region_count = 0;
    if (launch->end > launch->shared) add_region((uint64_t)launch->shared, (uint64_t)launch->end, launch->shared_unit, true);
    for (int i = 0; i < launch->arrays; ++i) add_region(launch->first[i], launch->last[i], launch->unit[i], false);
}

void end_checks() {
    for (int i = 0; i < region_count; ++i) free(regions[i].cells);
    region_count = 0;
}

static void forget_clocks() {
    for (uint16_t &clock : clocks) clock = 1;
    memset(seen, 0, sizeof seen);
}

void begin_block_checks() {
    epoch = 0;
    forget_clocks();
}

void all_met() {
    ++epoch;
    if (launch->check) forget_clocks();  // the epoch says it all
}

void lanes_met(int first, unsigned lanes) {
    uint16_t together[32] = {};
    for (int l = 0; l < 32; ++l) {
        if (!(lanes >> l & 1)) continue;
        for (int k = 0; k < 32; ++k)
            if (seen[first + l][k] > together[k]) together[k] = seen[first + l][k];
        if (clocks[first + l] > together[l]) together[l] = clocks[first + l];
    }
    for (int l = 0; l < 32; ++l) {
        if (!(lanes >> l & 1)) continue;
        memcpy(seen[first + l], together, sizeof together);
        ++clocks[first + l];
    }
}

static bool in_order(const Access &past, bool shared) {
    if (!past.block) return true;
    if (past.block != (uint32_t)block_number + 1) return shared;
    if (past.thread == current->number || past.epoch != epoch) return true;
    return past.thread / 32 == current->number / 32 && past.clock <= seen[current->number][past.thread % 32];
}

static Region *region_of(uint64_t address) {
    for (int i = 0; i < region_count; ++i)
        if (address >= regions[i].first && address < regions[i].last) return &regions[i];
    return nullptr;
}

// Memory that is neither an array nor shared, but in order: the thread's own variables, constants, threadIdx and its like.
static bool is_private(uint64_t address) {
    return on_own_stack(address) || (address >= (uint64_t)launch->library && address < (uint64_t)launch->shared) ||
           (address >= (uint64_t)__ehdr_start && address < (uint64_t)_end);
}

[[noreturn]] static void fail_race(const Region &region, uint64_t address, Kind now, const Access &past, Kind then, char *code) {
    uint3 t = thread_index(past.thread), b = block_index(past.block - 1);
    report->other_code = (uint64_t)launch->library + past.code;
    fail_at(code, (void *)address,
            "race: this %s and a %s by thread (%u, %u, %u) of block (%u, %u, %u) touch the same word of %s memory, and no "
            "barrier lies between them", NAMES[now], NAMES[then], t.x, t.y, t.z, b.x, b.y, b.z,
            region.shared ? "shared" : "global");
}

static void check_cell(Cell &cell, const Region &region, uint64_t address, Kind kind, char *code) {
    bool shared = region.shared;
    uint32_t block = block_number + 1;
    if (shared && !launch->unset && kind != WRITE && cell.write.block != block && cell.atomic.block != block)
        fail_at(code, (void *)address, "%s of shared memory that no thread of this block has written", NAMES[kind]);
    if (!in_order(cell.write, shared)) fail_race(region, address, kind, cell.write, WRITE, code);
    if (kind != ATOMIC && !in_order(cell.atomic, shared)) fail_race(region, address, kind, cell.atomic, ATOMIC, code);
    for (Access &read : cell.reads)
        if (kind != READ && !in_order(read, shared)) fail_race(region, address, kind, read, READ, code);

    Access now = {block, epoch, (uint32_t)(code - launch->library), (uint16_t)current->number, clocks[current->number]};
    if (kind == WRITE) cell.write = now;
    if (kind == ATOMIC) cell.atomic = now;
    if (kind != READ) return;
    if (cell.reads[0].thread != now.thread || cell.reads[0].block != now.block) cell.reads[1] = cell.reads[0];
    cell.reads[0] = now;  // two different readers are enough: a writer is at most one of them
}

static void touch(uint64_t address, unsigned size, Kind kind, void *caller) {
    char *code = (char *)caller - 1;  // within the call, not after it
    last_access = code;
    Region *region = region_of(address);
    if (!region) {
        if (is_private(address)) return;
        fail_at(code, (void *)address, "out-of-bounds %s of %u bytes", NAMES[kind], size);
    }
    if (address + size > region->last) fail_at(code, (void *)region->last, "out-of-bounds %s of %u bytes", NAMES[kind], size);
    if (launch->count) count_access(kind, code, address - region->first, size, region - regions, region->shared);
    uint64_t from = (address - region->first) / region->unit, to = (address + size - 1 - region->first) / region->unit;
    for (uint64_t i = from; i <= to; ++i) check_cell(region->cells[i], *region, address, kind, code);
}

static void touch_aligned(uint64_t address, unsigned size, Kind kind, void *caller) {
    if (address % size) fail_at((char *)caller - 1, EMU_NOWHERE, "misaligned %s: the address is not a multiple of %u", NAMES[kind], size);
    touch(address, size, kind, caller);
}

void touch_atomically(void *address, int size, void *caller) {
    if (launch->check) touch_aligned((uint64_t)address, size, ATOMIC, caller);
}

// What g++ tells of an array's type, for its bounds: "'float [64]'"; and of the index's.
struct TypeName { uint16_t kind, width; char name[1]; };
struct BadIndex { const char *file; uint32_t line, column; const TypeName *array, *index; };

}  // namespace emu

#define CALLER __builtin_return_address(0)
#define ANSWER(name, size, kind) \
    void __tsan_##name(void *address) { emu::touch_aligned((uint64_t)address, size, emu::kind, CALLER); }
#define ANSWER_UNALIGNED(name, size, kind) \
    void __tsan_unaligned_##name(void *address) { emu::touch((uint64_t)address, size, emu::kind, CALLER); }
#define ANSWERS(size)                                                                 \
    ANSWER(read##size, size, READ)                                                    \
    ANSWER(write##size, size, WRITE)                                                  \
    ANSWER_UNALIGNED(read##size, size, READ)                                          \
    ANSWER_UNALIGNED(write##size, size, WRITE)

extern "C" {
ANSWERS(1)
ANSWERS(2)
ANSWERS(4)
ANSWERS(8)
ANSWERS(16)
void __tsan_read_range(void *address, long size) { emu::touch((uint64_t)address, size, emu::READ, CALLER); }
void __tsan_write_range(void *address, long size) { emu::touch((uint64_t)address, size, emu::WRITE, CALLER); }
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}

void __ubsan_handle_out_of_bounds_abort(emu::BadIndex *where, int64_t index) {
    emu::fail_at((char *)CALLER - 1, EMU_NOWHERE, "index %lld is out of bounds of the array %s", (long long)index, where->array->name);
}
void __ubsan_handle_divrem_overflow_abort(void *, int64_t, int64_t) {
    emu::fail_at((char *)CALLER - 1, EMU_NOWHERE, "integer division by zero (or the smallest number by -1)");
}
}
