"""TensorFlow operators that a SavedModel's graphs may use: tensors in, tensors out.

An allow list, as in `pipeline.load.allowed`. What Keras's layers trace to is here, with the
control flow that loops and functions need and the variables they read. Operators that read or
write files, print, talk to other machines, call Python or hold tables are not.
"""

from __future__ import annotations

from pipeline.load.allowed import names

OPERATORS = names(
    """
    _Arg _Retval Abs Acos Acosh Add AddN AddV2 AdjustContrastv2 AdjustHue AdjustSaturation All
    Any ArgMax ArgMin Asin Asinh Assert AssignAddVariableOp AssignSubVariableOp AssignVariableOp
    Atan Atan2 Atanh AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND
    BiasAdd Bitcast BitwiseAnd BitwiseOr BroadcastArgs BroadcastGradientArgs BroadcastTo
    Bucketize Cast Ceil CheckNumerics ClipByValue Concat ConcatOffset ConcatV2 Const Conv2D
    Conv2DBackpropInput Conv3D Conv3DBackpropInputV2 Cos Cosh CropAndResize CudnnRNN
    CudnnRNNCanonicalToParams CudnnRNNV2 CudnnRNNV3 Cumprod Cumsum DenseBincount DepthToSpace
    DepthwiseConv2dNative Diag DiagPart DisableCopyOnRead Div DivNoNan Einsum Elu Empty
    EmptyTensorList EnsureShape Enter Equal Erf Erfc Exit Exp ExpandDims Expm1
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel Fill Floor
    FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2
    Greater GreaterEqual HSVToRGB Identity IdentityN If ImageProjectiveTransformV2
    ImageProjectiveTransformV3 InvertPermutation IsFinite IsInf IsNan L2Loss LeakyRelu LeftShift
    Less LessEqual LinSpace Log Log1p LogicalAnd LogicalNot LogicalOr LogSoftmax LoopCond LRN
    MatMul MatrixBandPart MatrixDiag MatrixDiagPart MatrixDiagPartV3 MatrixDiagV3 Max Maximum
    MaxPool MaxPool3D MaxPoolV2 Mean Merge Min Minimum MirrorPad Mod Mul MulNoNan Neg
    NextIteration NoOp NotEqual OneHot OnesLike Pack Pad PadV2 ParallelConcat PartitionedCall
    Placeholder PlaceholderWithDefault Pow PreventGradient Prod QuantizeAndDequantizeV2
    QuantizeAndDequantizeV4 RandomStandardNormal RandomUniform RandomUniformInt Range Rank
    ReadVariableOp RealDiv Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor ResourceGather ResourceGatherNd Reverse ReverseSequence ReverseV2
    RGBToHSV RightShift Rint RngReadAndSkip Roll Round Rsqrt Select SelectV2 Selu Shape ShapeN
    Sigmoid Sign Sin Sinh Size Slice Snapshot Softmax Softplus Softsign SpaceToBatchND
    SpaceToDepth SparseMatMul SparseTensorDenseMatMul Split SplitV Sqrt Square SquaredDifference
    Squeeze StatefulPartitionedCall StatefulStandardNormalV2 StatefulUniform StatelessIf
    StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomNormalV2
    StatelessRandomUniform StatelessRandomUniformFullIntV2 StatelessRandomUniformInt
    StatelessRandomUniformIntV2 StatelessRandomUniformV2 StatelessTruncatedNormalV2
    StatelessWhile StopGradient StridedSlice Sub Sum Switch Tan Tanh TensorListConcatV2
    TensorListElementShape TensorListFromTensor TensorListGather TensorListGetItem
    TensorListLength TensorListPopBack TensorListPushBack TensorListReserve TensorListResize
    TensorListSetItem TensorListSplit TensorListStack TensorScatterAdd TensorScatterUpdate Tile
    TopK TopKV2 Transpose TruncateDiv TruncatedNormal TruncateMod Unpack VarHandleOp
    VarIsInitializedOp Where While Xdivy Xlogy ZerosLike
    """
)
# What gradients, losses and metrics trace to; it lies in the file of a network that was trained.
TRAINING_OPERATORS = names(
    """
    AccumulateNV2 AvgPool3DGrad AvgPoolGrad BiasAddGrad Bincount BroadcastGradientArgs
    Conv2DBackpropFilter Conv3DBackpropFilter Conv3DBackpropFilterV2 Conv3DBackpropInput
    CropAndResizeGradBoxes CropAndResizeGradImage CudnnRNNBackprop CudnnRNNBackpropV2
    CudnnRNNBackpropV3 DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput
    DynamicPartition DynamicStitch EluGrad FakeQuantWithMinMaxArgsGradient
    FakeQuantWithMinMaxVarsGradient FakeQuantWithMinMaxVarsPerChannelGradient FusedBatchNormGrad
    FusedBatchNormGradV2 FusedBatchNormGradV3 HistogramFixedWidth InTopK InTopKV2 InvGrad
    LeakyReluGrad LRNGrad MaxPool3DGrad MaxPool3DGradGrad MaxPoolGrad MaxPoolGradGrad
    MaxPoolGradV2 MirrorPadGrad ParallelDynamicStitch ReciprocalGrad Relu6Grad ReluGrad
    ResizeBicubicGrad ResizeBilinearGrad ResizeNearestNeighborGrad ResourceApplyAdadelta
    ResourceApplyAdagrad ResourceApplyAdagradV2 ResourceApplyAdam ResourceApplyAdaMax
    ResourceApplyAdamWithAmsgrad ResourceApplyCenteredRMSProp ResourceApplyFtrl
    ResourceApplyFtrlV2 ResourceApplyGradientDescent ResourceApplyKerasMomentum
    ResourceApplyMomentum ResourceApplyRMSProp ResourceScatterAdd ResourceScatterUpdate
    ResourceSparseApplyAdagradV2 ResourceSparseApplyKerasMomentum RsqrtGrad SegmentSum SeluGrad
    SigmoidGrad SoftmaxCrossEntropyWithLogits SoftplusGrad SoftsignGrad
    SparseSoftmaxCrossEntropyWithLogits SparseToDense SqrtGrad StridedSliceGrad TanhGrad
    TensorScatterSub Unique UniqueV2 UnsortedSegmentSum
    """
)
# What Keras writes to save and restore the variables, in two functions that only the SavedModel's
# `saver_def` names. TensorFlow 2 does not call them: it reads the checkpoint itself.
SAVER_OPERATORS = names(
    """
    MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin
    """
)
