"""What a Keras configuration may name: layers, functions and operations that compute tensors.

These are allow lists. Whatever is not here is refused by name, so that nothing which Keras
or TensorFlow learn in a later release runs because a file asks for it. Left out on purpose are
Lambda, lookups and text layers (they read vocabulary files), layers that hold other programs
(TFSMLayer, TorchModuleWrapper, JaxLayer, FlaxLayer), and TensorFlowOpLayer (a graph in a
string).
"""

from __future__ import annotations

import re


def names(text: str) -> frozenset[str]:
    """Return the words of a text as a set."""
    return frozenset(text.split())


NETWORKS = names("Functional Model Sequential")
CELLS = names("GRUCell LSTMCell SimpleRNNCell StackedRNNCells")
# Of Keras 2; Keras 3's others have no counterpart there and can't be rebuilt anyhow.
LAYERS = CELLS | names(
    """
    Activation ActivityRegularization Add AdditiveAttention AlphaDropout Attention Average
    AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
    BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D
    Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D
    Convolution1D Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D
    Convolution3DTranspose Cropping1D Cropping2D Cropping3D Dense DepthwiseConv1D
    DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding Flatten GRU
    GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
    GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D
    GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GroupNormalization Identity InputLayer LSTM LayerNormalization LeakyReLU
    LocallyConnected1D LocallyConnected2D Masking MaxPool1D MaxPool2D MaxPool3D MaxPooling1D
    MaxPooling2D MaxPooling3D Maximum Minimum MultiHeadAttention Multiply Normalization PReLU
    Permute RNN RandomBrightness RandomContrast RandomCrop RandomFlip RandomHeight
    RandomRotation RandomTranslation RandomWidth RandomZoom ReLU RepeatVector Rescaling Reshape
    Resizing SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D
    SimpleRNN SlicingOpLambda Softmax SpatialDropout1D SpatialDropout2D SpatialDropout3D
    SpectralNormalization Subtract TFOpLambda ThresholdedReLU TimeDistributed
    UnitNormalization UpSampling1D UpSampling2D UpSampling3D ZeroPadding1D ZeroPadding2D
    ZeroPadding3D
    """
)
# Layers that stand as the activation of another layer.
ACTIVATION_LAYERS = names("ELU LeakyReLU PReLU ReLU Softmax ThresholdedReLU")
ACTIVATIONS = names(
    """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh
    leaky_relu linear log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink
    softmax softplus softsign sparse_plus sparse_sigmoid sparsemax squareplus swish tanh
    tanh_shrink threshold
    """
)
_INITIALIZERS = names(
    """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer
    LecunNormal LecunUniform Ones Orthogonal OrthogonalInitializer RandomNormal RandomUniform
    TruncatedNormal VarianceScaling Zeros constant glorot_normal glorot_uniform he_normal
    he_uniform identity lecun_normal lecun_uniform normal one ones orthogonal random_normal
    random_uniform truncated_normal uniform variance_scaling zero zeros
    """
)
# Releases before 2.2 wrote some classes under names like these.
INITIALIZERS = _INITIALIZERS | {f"{name}V2" for name in _INITIALIZERS if name[0].isupper()}
REGULARIZERS = names("L1 L1L2 L2 OrthogonalRegularizer l1 l1_l2 l2 orthogonal_regularizer")
CONSTRAINTS = names(
    "MaxNorm MinMaxNorm NonNeg RadialConstraint UnitNorm max_norm min_max_norm non_neg "
    "radial_constraint unit_norm"
)
POLICIES = names("DTypePolicy Policy PolicyV1")
DTYPES = names(
    """
    bfloat16 bool float16 float32 float64 int16 int32 int64 int8 mixed_bfloat16 mixed_float16
    uint16 uint32 uint64 uint8 _infer infer
    """
)

# Keras 3's operations between layers: those that pipeline.load.operations translates.
OPERATIONS = names(
    """
    Absolute Add Cast Clip Concatenate Cos Divide Elu Exp ExpandDims Gelu GetItem HardSigmoid
    HardSilu LeakyRelu Log LogSoftmax Matmul Max Maximum Mean Min Minimum Multiply Negative Pad
    Power Relu Relu6 Reshape Rsqrt Selu Sigmoid Silu Sin Softmax Softplus Softsign Split Sqrt
    Square Squeeze Stack Subtract Sum Tanh Transpose TrueDivide
    """
)

# TensorFlow's functions that TFOpLambda and SlicingOpLambda may call: tensors in, tensors out,
# no state, no files, no text, no Python. `compat.v1` names mean the same with older arguments.
_MATH = names(
    """
    abs add add_n argmax argmin atan atan2 ceil cos cosh cumprod cumsum divide
    divide_no_nan equal erf exp expm1 floor floordiv floormod greater greater_equal is_finite
    is_inf is_nan l2_normalize less less_equal log log1p log_sigmoid log_softmax logical_and
    logical_not logical_or maximum
    minimum mod multiply multiply_no_nan negative not_equal pow reciprocal reciprocal_no_nan
    reduce_all reduce_any reduce_euclidean_norm reduce_logsumexp reduce_max reduce_mean
    reduce_min reduce_prod reduce_std reduce_sum reduce_variance rint round rsqrt scalar_mul
    sigmoid sign sin sinh softmax softplus softsign
    sqrt square squared_difference subtract tan tanh top_k truediv xdivy xlogy
    """
)
_NN = names(
    """
    atrous_conv2d avg_pool avg_pool1d avg_pool2d batch_normalization bias_add conv1d
    conv1d_transpose conv2d conv2d_transpose convolution crelu depth_to_space depthwise_conv2d
    elu gelu l2_normalize leaky_relu local_response_normalization log_softmax lrn max_pool
    max_pool1d max_pool2d moments pool relu relu6 selu separable_conv2d sigmoid silu softmax
    softplus softsign space_to_depth swish tanh top_k
    """
)
_TOP = names(
    """
    abs add argmax argmin broadcast_to cast clip_by_value concat convert_to_tensor cos cumsum
    divide einsum equal exp expand_dims eye fill floor gather gather_nd greater greater_equal
    identity less less_equal linalg.diag linalg.l2_normalize linalg.matmul linalg.matvec
    linalg.normalize linalg.trace logical_and logical_not logical_or matmul maximum minimum
    multiply negative norm not_equal one_hot ones ones_like pad pow rank realdiv reduce_all
    reduce_any reduce_max reduce_mean reduce_min reduce_prod reduce_sum repeat reshape reverse
    roll round shape sigmoid sign sin size slice split sqrt square squeeze stack stop_gradient
    strided_slice subtract tan tanh tensordot tile transpose truediv unstack where zeros
    zeros_like batch_to_space space_to_batch image.central_crop image.crop_to_bounding_box
    image.flip_left_right image.flip_up_down image.pad_to_bounding_box
    image.per_image_standardization image.resize image.rgb_to_grayscale
    """
)
_OPERATORS = names("add eq getitem ne")  # all that TensorFlow gives such names
_PLAIN = (
    {f"math.{name}" for name in _MATH}
    | {f"nn.{name}" for name in _NN}
    | _TOP
    | {f"__operators__.{name}" for name in _OPERATORS}
)
FUNCTIONS = frozenset(_PLAIN | {f"compat.v1.{name}" for name in _PLAIN})

# Where Keras keeps what is above. The name must be on its list as well.
_KERAS = r"(tf_keras|keras|tensorflow\.keras|tensorflow\.python\.keras|tensorflow_core\.keras)"
_ROOMS = (
    "layers|engine|models|ops|initializers|regularizers|constraints|activations|mixed_precision|"
    "dtype_policies"
)
_MODULE = re.compile(rf"{_KERAS}(\.(v1|v2|src|api|_v2))*(\.({_ROOMS})(\.[a-z0-9_]+)*)?")


def is_keras(module: str) -> bool:
    """Whether `module` is one of Keras's own that hold layers and what belongs to them."""
    return len(module) < 200 and _MODULE.fullmatch(module) is not None
