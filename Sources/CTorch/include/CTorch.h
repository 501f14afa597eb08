// The C wall: every LibTorch operation that aginet uses, one line each.
//
// Ownership: a function that returns a ct_tensor hands over one reference, to be given back to ct_free.
// Arguments are borrowed. Failure: a tensor-returning function gives NULL, a number-returning one gives -1
// (or 0 / NaN where stated), and ct_error() holds LibTorch's sentence for the calling thread.
// Grad mode is per thread; a tensor must not be shared between threads.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor_s *ct_tensor;
typedef struct ct_generator_s *ct_generator;
typedef struct ct_store_s *ct_store;
typedef struct ct_group_s *ct_group;
typedef struct ct_averaging_s *ct_averaging;

enum { CT_FLOAT32 = 0, CT_FLOAT64 = 1, CT_INT64 = 2, CT_UINT8 = 3, CT_BFLOAT16 = 4 };
enum { CT_CPU = -1 };  // a device: CT_CPU or the number of a CUDA device

// MARK: The library
const char *ct_error(void);
const char *ct_version(void);
int64_t ct_live_tensors(void);
int ct_threads(void);
int ct_threads_of_loops(void);  // how many take part in the loops of this library
int ct_set_threads(int count);
void ct_keep_memory(void);
int ct_flush_denormals(bool on);  // of this thread and those it starts
int ct_cuda_count(void);
int ct_synchronize(int device);
void ct_allow_tf32(bool on);  // off when the program starts
void ct_tune_convolutions(bool on);  // cuDNN tries its algorithms for every shape and takes the fastest; off when the program starts
bool ct_tunes_convolutions(void);
// Whether every run gives the same bits on a GPU, where an operator that cannot fails. To be said before the GPU is first used:
// cuBLAS then reads CUBLAS_WORKSPACE_CONFIG, which this sets where nobody has.
void ct_set_deterministic(bool on);
bool ct_is_deterministic(void);
bool ct_allows_tf32(void);    // in matrix products or in convolutions
// Whether this thread's convolutions and matrix products on a device are computed in bfloat16 from here on; gives what was so before.
bool ct_set_autocast(int device, bool on);
bool ct_autocasts(int device);
int64_t ct_host_reads(void);  // how often this thread has read numbers out of tensors so far: each time it waits for their device
int ct_limit_instructions(int version);  // of the loops of this library: 0 any processor's, 3 x86-64-v3, 4 x86-64-v4; gives what is used
const char *ct_cpu_capability(void);     // that LibTorch's own kernels use
int ct_load_library(const char *path);
int64_t ct_multiply_adds(void);            // of this thread's convolutions and linear maps so far, forward alone
void ct_add_multiply_adds(int64_t count);  // those of an operation that does not go through one of these
int64_t ct_saved_multiply_adds(void);      // those that filtering has saved this thread so far, forward and backward

// MARK: Life and data
void ct_free(ct_tensor x);
ct_tensor ct_from(const void *data, int type, const int64_t *shape, int rank, int device);
ct_tensor ct_full(double value, int type, const int64_t *shape, int rank, int device);
ct_tensor ct_arange(double start, double end, int type, int device);
ct_tensor ct_uniform(double low, double high, uint64_t seed, int type, const int64_t *shape, int rank, int device);
ct_tensor ct_normal(double mean, double deviation, uint64_t seed, int type, const int64_t *shape, int rank, int device);
int ct_read(ct_tensor x, void *into, int type, int64_t count);  // converts, contiguous row-major order
double ct_item(ct_tensor x);                                    // NaN on failure
int ct_rank(ct_tensor x);
int64_t ct_size(ct_tensor x, int axis);
int64_t ct_count(ct_tensor x);
int ct_type(ct_tensor x);
int ct_device(ct_tensor x);
bool ct_is_channels_last(ct_tensor x);
ct_tensor ct_to(ct_tensor x, int type, int device);
ct_tensor ct_channels_last(ct_tensor x);
ct_tensor ct_contiguous(ct_tensor x);
ct_tensor ct_clone(ct_tensor x);

// MARK: Chance from a stream that goes on with every draw
ct_generator ct_generator_make(uint64_t seed, int device, int part, int parts);  // of a batch, whose draws it takes its own of
void ct_generator_free(ct_generator generator);
ct_tensor ct_random_normal(ct_generator generator, ct_tensor like);
int ct_random_integers(ct_generator generator, int64_t bound, int64_t count, int64_t *into);  // 0 ..< bound, drawn by the CPU
ct_tensor ct_dropout(ct_tensor x, double probability, ct_generator generator);
ct_tensor ct_channel_dropout(ct_tensor x, double probability, ct_generator generator);

// MARK: Gradients
bool ct_grad_enabled(void);
void ct_set_grad_enabled(bool on);
int ct_requires_grad(ct_tensor x, bool on);
bool ct_does_require_grad(ct_tensor x);
int ct_backward(ct_tensor loss);
ct_tensor ct_derivative(ct_tensor scalar, ct_tensor by);  // recorded itself
ct_tensor ct_grad(ct_tensor x);  // NULL with an empty error where there is none
int ct_clear_grad(ct_tensor x);
ct_tensor ct_detach(ct_tensor x);

// MARK: In place, never recorded
int ct_copy_into(ct_tensor destination, ct_tensor source);
int ct_fill(ct_tensor x, double value);

// MARK: Arithmetic
ct_tensor ct_add(ct_tensor a, ct_tensor b);
ct_tensor ct_add_in_place(ct_tensor a, ct_tensor b);
ct_tensor ct_subtract(ct_tensor a, ct_tensor b);
ct_tensor ct_multiply(ct_tensor a, ct_tensor b);
ct_tensor ct_divide(ct_tensor a, ct_tensor b);
ct_tensor ct_add_scalar(ct_tensor a, double b);
ct_tensor ct_multiply_scalar(ct_tensor a, double b);
ct_tensor ct_matmul(ct_tensor a, ct_tensor b);
ct_tensor ct_einsum(const char *equation, const ct_tensor *parts, int count);
int ct_eigenvectors(ct_tensor symmetric, ct_tensor *values, ct_tensor *vectors);  // ascending values [n]; vectors are columns

// MARK: Elementwise
ct_tensor ct_relu(ct_tensor x);
ct_tensor ct_relu_in_place(ct_tensor x);
ct_tensor ct_leaky_relu(ct_tensor x, double slope);
ct_tensor ct_gelu(ct_tensor x);
ct_tensor ct_silu(ct_tensor x);
ct_tensor ct_softplus(ct_tensor x);
ct_tensor ct_sigmoid(ct_tensor x);
ct_tensor ct_tanh(ct_tensor x);
ct_tensor ct_exp(ct_tensor x);
ct_tensor ct_log(ct_tensor x);
ct_tensor ct_sqrt(ct_tensor x);
ct_tensor ct_square(ct_tensor x);
ct_tensor ct_abs(ct_tensor x);
ct_tensor ct_floor(ct_tensor x);
ct_tensor ct_cos(ct_tensor x);
ct_tensor ct_sin(ct_tensor x);
ct_tensor ct_clamp(ct_tensor x, double low, double high);
ct_tensor ct_remainder(ct_tensor x, double divisor);
ct_tensor ct_where_below(ct_tensor x, double threshold, ct_tensor a, ct_tensor b);
ct_tensor ct_softmax(ct_tensor x, int axis);

// MARK: Reductions
ct_tensor ct_sum(ct_tensor x);
ct_tensor ct_mean(ct_tensor x);
ct_tensor ct_sum_over(ct_tensor x, const int64_t *axes, int count, bool keep);
ct_tensor ct_mean_over(ct_tensor x, const int64_t *axes, int count, bool keep);
ct_tensor ct_max_over(ct_tensor x, int axis, bool keep);
int64_t ct_first_not_finite(const ct_tensor *tensors, int count);  // -1 where all numbers of all of them are finite, -2 on failure

// MARK: Shape
ct_tensor ct_reshape(ct_tensor x, const int64_t *shape, int rank);
ct_tensor ct_permute(ct_tensor x, const int64_t *axes, int rank);
ct_tensor ct_narrow(ct_tensor x, int axis, int64_t start, int64_t length);
ct_tensor ct_expand(ct_tensor x, const int64_t *shape, int rank);
ct_tensor ct_concatenate(const ct_tensor *parts, int count, int axis);
ct_tensor ct_stack(const ct_tensor *parts, int count, int axis);
ct_tensor ct_pad(ct_tensor x, const int64_t *amounts, int count, const char *mode);  // constant: with zeros
ct_tensor ct_roll(ct_tensor x, const int64_t *shifts, const int64_t *axes, int count);
ct_tensor ct_index_select(ct_tensor x, int axis, ct_tensor index);

// MARK: Layers
ct_tensor ct_convolution(ct_tensor x, ct_tensor weight, ct_tensor bias, int stride, int padding, int dilation, int groups);
ct_tensor ct_transposed_convolution(ct_tensor x, ct_tensor weight, ct_tensor bias, int stride, int padding, int output_padding, int groups);
ct_tensor ct_linear(ct_tensor x, ct_tensor weight, ct_tensor bias);
ct_tensor ct_layer_norm(ct_tensor x, int axes, ct_tensor weight, ct_tensor bias, double epsilon);
ct_tensor ct_group_norm(ct_tensor x, int groups, ct_tensor weight, ct_tensor bias, double epsilon);
ct_tensor ct_instance_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, double epsilon);
ct_tensor ct_batch_norm(ct_tensor x, ct_tensor weight, ct_tensor bias, ct_tensor mean, ct_tensor variance, bool training, double momentum, double epsilon);
ct_tensor ct_max_pool(ct_tensor x, int size, int stride);
ct_tensor ct_upsample_nearest(ct_tensor x, int factor);
ct_tensor ct_grid_sample(ct_tensor x, ct_tensor grid, bool align_corners);  // bilinear, zeros outside

// MARK: Losses, a mean over all elements
ct_tensor ct_mse_loss(ct_tensor x, ct_tensor target);
ct_tensor ct_l1_loss(ct_tensor x, ct_tensor target);
ct_tensor ct_bce_with_logits(ct_tensor x, ct_tensor target);

// MARK: A whole CAGR module, in d = 2 or 3 dimensions
// inputs: x [B,C,H,W] or [B,C,D,H,W], weight [O,C,3...], attention weight and bias, routing convolution, norm weight and bias, offset
// weight, scale weight and bias; the attention's two or the routing's six may be NULL. outputs: y, offsets [B,dn],
// scales [B,n], gates [B,C] (empty where that half is missing), of which only y carries a gradient. `rectifies` applies a
// ReLU to y.
int ct_cagr(const ct_tensor *inputs, int groups, bool rectifies, ct_tensor *outputs);

// MARK: Deformable convolution, 3 x 3, on the CPU: channels-last maps [B,H,W,C], offsets [B,H,W,18n], weights [B,H,W,9n]
ct_tensor ct_deformable_sum(ct_tensor map, ct_tensor offsets, ct_tensor weights, int groups);  // DCNv3: [B,H,W,C]
ct_tensor ct_deformable_convolution(ct_tensor map, ct_tensor offsets, ct_tensor weights, ct_tensor kernel, int groups);  // DCNv2: [B,H,W,O]

// MARK: Optimisers: one fused step over all parameters. `tensors` are `count` of them, then their first moments, second moments
// and numbers of steps, which are updated in place. The decay is decoupled (AdamW).
int ct_adam_step(const ct_tensor *tensors, int count, double rate, double beta1, double beta2, double decay, double epsilon);
int ct_clip_gradients(const ct_tensor *tensors, int count, double largest);  // the norm over all of them
int ct_lerp_all(const ct_tensor *tensors, int count, double weight);         // `count` tensors, then what each moves to

// MARK: Several processes that compute together
// A table of texts that all of them write and read, kept by the one that serves it (port 0: any that is free). What is asked of it
// fails where it does not answer for `patience` seconds.
ct_store ct_store_make(const char *host, int port, bool serves, double patience);
ct_store ct_store_under(ct_store store, const char *prefix);  // the same, of names that begin so
void ct_store_free(ct_store store);
int ct_store_port(ct_store store);
int ct_store_set(ct_store store, const char *key, const char *value);
// Sets what nobody has set before, unless `value` is empty, and gives what then stands there, and its length: nothing where nothing does.
int64_t ct_store_claim(ct_store store, const char *key, const char *value, char *into, int64_t capacity);
// Processes that add up. Which addresses they use: that of a host's name, or those of interfaces, separated by commas;
// both empty for this machine's own name. An operation fails where a process has ended, or was silent for `patience` seconds.
ct_group ct_group_make(ct_store store, int rank, int count, const char *host, const char *interfaces, double patience);
void ct_group_free(ct_group group);
void ct_group_leave(ct_group group);  // the others' operations fail from now on, as all of this one's
int ct_group_check(ct_group group);  // fails where a process was silent for too long, and so does all from then on
// The same of the table where they met, which fails where `ct_group_check` would.
int64_t ct_group_claim(ct_group group, const char *key, const char *value, char *into, int64_t capacity);
int ct_group_quiet(ct_group group);  // a rank that has just fallen silent, -2 for the table, -1 for none
// In place, in buckets of so many bytes.
int ct_group_sum(ct_group group, const ct_tensor *tensors, int count, double factor, int64_t bytes);
int ct_group_broadcast(ct_group group, const ct_tensor *tensors, int count, int64_t bytes);  // from rank 0
// Gradients that are added up from when a backward has them; to be freed before their group. What is under way when that is done
// makes the group fail from then on.
ct_averaging ct_averaging_make(ct_group group, const ct_tensor *parameters, int count, int64_t bytes);
void ct_averaging_free(ct_averaging averaging);
int ct_averaging_finish(ct_averaging averaging, double factor);  // waits, and puts the gradients back
int ct_averaging_early(ct_averaging averaging);  // buckets that were under way when it was last asked to finish

#ifdef __cplusplus
}
#endif
