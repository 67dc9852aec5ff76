/* The two inner loops of recombination at 8 bits, each in one pass over the pixels; fused.py calls them.

   Compile without contraction to fused multiply-adds (-ffp-contract=off): join_8.py computes the same bytes with NumPy
   and OpenCV, one rounding after another. Nothing here allocates, keeps state or knows of Python. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_WIN32)
#define PUBLIC __declspec(dllexport)
#else
#define PUBLIC __attribute__((visibility("default")))
#endif

/* The same loops compiled twice, once for AVX2, which twice as many pixels fit into: chosen when called. No FMA. */
#if (defined(__GNUC__) || defined(__clang__)) && defined(__x86_64__)
#define WIDER __attribute__((target("avx2")))
#define HAS_WIDER __builtin_cpu_supports("avx2")
#define INLINE static inline __attribute__((always_inline))
#else
#define WIDER
#define HAS_WIDER 0
#define INLINE static inline
#endif

#define INTERFACE 1
#define BLOCK 512
#define A_CODES 127
#define GRAYS 256

enum { SLOPE = 0, OFFSET = 2, LOWEST = 4, HIGHEST = 6, PLANES = 8 };

/* Number of this interface: a library left over from another version is not called. */
PUBLIC int32_t fused_interface(void) { return INTERFACE; }

/* Codes of a* and b*, uint8 planes, from interpolated planes of a chroma field.

   gray: uint8 (rows, width). lightness: L* of every gray. wide: float32 (n, 8, width), rows of the field at full width.
   cells, weights: for every row the row of the field above it, in 0..n-1, and the weight of the one below that.
   tables: code of a* and of b* for every index up to `last`. */
INLINE void codes_of(const uint8_t *gray, ptrdiff_t rows, ptrdiff_t width, const float *lightness,
                               const float *wide, ptrdiff_t n, const int32_t *cells, const float *weights,
                               const uint8_t *table_a, const uint8_t *table_b, const float *last, uint8_t *codes_a,
                               uint8_t *codes_b)
{
    const uint8_t *tables[2] = {table_a, table_b};
    for (ptrdiff_t row = 0; row < rows; row++) {
        const float *above = wide + cells[row] * PLANES * width;
        const float *below = cells[row] + 1 < n ? above + PLANES * width : above;
        const float weight = weights[row];
        uint8_t *codes[2] = {codes_a + row * width, codes_b + row * width};
        for (ptrdiff_t start = 0; start < width; start += BLOCK) {
            const ptrdiff_t count = width - start < BLOCK ? width - start : BLOCK;
            const uint8_t *from = gray + row * width + start;
            float guide[BLOCK];
            int32_t index[BLOCK];
            for (ptrdiff_t x = 0; x < count; x++) guide[x] = lightness[from[x]];
            for (int axis = 0; axis < 2; axis++) {
                const float *up = above + axis * width + start, *down = below + axis * width + start;
                const float end = last[axis];
#define PLANE(plane, x) \
    ((down[(plane) * width + (x)] - up[(plane) * width + (x)]) * weight + up[(plane) * width + (x)])
                for (ptrdiff_t x = 0; x < count; x++) {
                    const float lowest = PLANE(LOWEST, x), highest = PLANE(HIGHEST, x);
                    float value = PLANE(SLOPE, x) * guide[x] + PLANE(OFFSET, x);
                    value = value > lowest ? value : lowest;
                    value = value < highest ? value : highest;
                    /* What is not a number becomes 0: it must not leave the table. */
                    value = value > 0.0f ? value : 0.0f;
                    value = value < end ? value : end;
                    index[x] = (int32_t)value;
                }
#undef PLANE
                for (ptrdiff_t x = 0; x < count; x++) codes[axis][start + x] = tables[axis][index[x]];
            }
        }
    }
}

/* Position in 0..count-1 nearest to a value. */
INLINE ptrdiff_t within(ptrdiff_t value, ptrdiff_t count)
{
    return value < 0 ? 0 : value < count ? value : count - 1;
}

/* Rows of the table of colors, 256 grays each, for a block of pixels whose chroma has half their resolution: 127 * code
   of b* + code of a*, which 16 bits hold. near, far: rows of codes, (a*, b*) each. first: column of codes of the first
   pair of pixels. */
INLINE void chroma_of_halves(const uint8_t *const near[2], const uint8_t *const far[2], ptrdiff_t columns,
                                     ptrdiff_t first, ptrdiff_t count, uint16_t *chroma)
{
    uint16_t sums[2][BLOCK / 2 + 2];
    uint16_t even[BLOCK / 2], odd[BLOCK / 2];
    for (int axis = 0; axis < 2; axis++) {
        const uint8_t *at = near[axis] + first, *beside = far[axis] + first;
        const ptrdiff_t before = within(first - 1, columns), after = within(first + count, columns);
        sums[axis][0] = (uint16_t)(3 * near[axis][before] + far[axis][before]);
        for (ptrdiff_t x = 0; x < count; x++) sums[axis][x + 1] = (uint16_t)(3 * at[x] + beside[x]);
        sums[axis][count + 1] = (uint16_t)(3 * near[axis][after] + far[axis][after]);
    }
    for (ptrdiff_t x = 0; x < count; x++) {
        const uint16_t a = (uint16_t)(3 * sums[0][x + 1] + 8), b = (uint16_t)(3 * sums[1][x + 1] + 8);
        even[x] = (uint16_t)(((uint16_t)(b + sums[1][x]) >> 4) * A_CODES + ((uint16_t)(a + sums[0][x]) >> 4));
        odd[x] = (uint16_t)(((uint16_t)(b + sums[1][x + 2]) >> 4) * A_CODES + ((uint16_t)(a + sums[0][x + 2]) >> 4));
    }
    for (ptrdiff_t x = 0; x < count; x++) {
        chroma[2 * x] = even[x];
        chroma[2 * x + 1] = odd[x];
    }
}

/* Colors from the table for gray and codes. Returns the least of the known-marks that were met: 0 where a color is
   missing.

   gray: uint8 (height, width), the whole picture; rows top..bottom-1 of it are painted. codes_a, codes_b: uint8
   (code_rows, code_columns), whole planes, at full resolution or, with `halves`, interpolated from half of it. colors:
   R, G, B and known-mark for every code of b*, code of a* and gray. rgb: uint8 (height, width, 3). */
INLINE int32_t paint(const uint8_t *gray, ptrdiff_t top, ptrdiff_t bottom, ptrdiff_t width,
                                  const uint8_t *codes_a, const uint8_t *codes_b, ptrdiff_t code_rows,
                                  ptrdiff_t code_columns, int32_t halves, const uint8_t *colors, uint8_t *rgb)
{
    const uint8_t *planes[2] = {codes_a, codes_b};
    uint8_t known = 255;
    for (ptrdiff_t row = top; row < bottom; row++) {
        const ptrdiff_t at = halves ? within(row / 2, code_rows) : row;
        const ptrdiff_t beside = halves ? within(row % 2 ? at + 1 : at - 1, code_rows) : row;
        const uint8_t *near[2], *far[2];
        for (int axis = 0; axis < 2; axis++) {
            near[axis] = planes[axis] + at * code_columns;
            far[axis] = planes[axis] + beside * code_columns;
        }
        for (ptrdiff_t start = 0; start < width; start += BLOCK) {
            const ptrdiff_t count = width - start < BLOCK ? width - start : BLOCK;
            uint16_t chroma[BLOCK];
            if (halves)
                chroma_of_halves(near, far, code_columns, start / 2, (count + 1) / 2, chroma);
            else
                for (ptrdiff_t x = 0; x < count; x++)
                    chroma[x] = (uint16_t)(near[1][start + x] * A_CODES + near[0][start + x]);
            const uint8_t *from = gray + row * width + start;
            uint8_t *to = rgb + 3 * (row * width + start);
            /* Four bytes at a time: the fourth is written over by the next pixel. Not by the last of a row, which may
               belong to another thread. */
            for (ptrdiff_t x = 0; x < count - 1; x++) {
                const uint8_t *color = colors + 4 * ((size_t)chroma[x] * GRAYS + from[x]);
                memcpy(to + 3 * x, color, 4);
                known &= color[3];
            }
            const uint8_t *color = colors + 4 * ((size_t)chroma[count - 1] * GRAYS + from[count - 1]);
            memcpy(to + 3 * (count - 1), color, 3);
            known &= color[3];
        }
    }
    return known;
}

WIDER static void codes_wider(
    const uint8_t *gray, ptrdiff_t rows, ptrdiff_t width, const float *lightness, const float *wide, ptrdiff_t n,
    const int32_t *cells, const float *weights, const uint8_t *table_a, const uint8_t *table_b, const float *last,
    uint8_t *codes_a, uint8_t *codes_b)
{
    codes_of(gray, rows, width, lightness, wide, n, cells, weights, table_a, table_b, last, codes_a, codes_b);
}

PUBLIC void fused_codes(
    const uint8_t *gray, ptrdiff_t rows, ptrdiff_t width, const float *lightness, const float *wide, ptrdiff_t n,
    const int32_t *cells, const float *weights, const uint8_t *table_a, const uint8_t *table_b, const float *last,
    uint8_t *codes_a, uint8_t *codes_b)
{
    if (HAS_WIDER)
        codes_wider(gray, rows, width, lightness, wide, n, cells, weights, table_a, table_b, last, codes_a, codes_b);
    else
        codes_of(gray, rows, width, lightness, wide, n, cells, weights, table_a, table_b, last, codes_a, codes_b);
}

WIDER static int32_t paint_wider(
    const uint8_t *gray, ptrdiff_t top, ptrdiff_t bottom, ptrdiff_t width, const uint8_t *codes_a,
    const uint8_t *codes_b, ptrdiff_t code_rows, ptrdiff_t code_columns, int32_t halves, const uint8_t *colors,
    uint8_t *rgb)
{
    return paint(gray, top, bottom, width, codes_a, codes_b, code_rows, code_columns, halves, colors, rgb);
}

PUBLIC int32_t fused_paint(
    const uint8_t *gray, ptrdiff_t top, ptrdiff_t bottom, ptrdiff_t width, const uint8_t *codes_a,
    const uint8_t *codes_b, ptrdiff_t code_rows, ptrdiff_t code_columns, int32_t halves, const uint8_t *colors,
    uint8_t *rgb)
{
    if (HAS_WIDER) return paint_wider(gray, top, bottom, width, codes_a, codes_b, code_rows, code_columns, halves, colors, rgb);
    return paint(gray, top, bottom, width, codes_a, codes_b, code_rows, code_columns, halves, colors, rgb);
}
