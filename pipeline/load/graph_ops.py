"""TensorFlow operators that a SavedModel's graphs may use: tensors in, tensors out.

An allow list, as in `pipeline.load.allowed`. What Keras's layers trace to is here, with the
control flow that loops and functions need and the variables they read. Operators that read or
write files, print, talk to other machines, call Python or hold tables are not.
"""

from __future__ import annotations

from pipeline.load.allowed import names as _names

OPERATORS = _names(
    """
    Abs Acos Acosh Add AddN AddV2 All Any ArgMax ArgMin Asin Asinh Atan Atan2 Atanh
    AvgPool AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd BitwiseAnd
    BitwiseOr BroadcastArgs BroadcastGradientArgs BroadcastTo Cast Ceil CheckNumerics
    ClipByValue Concat ConcatV2 Const Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2
    Cos Cosh CropAndResize CudnnRNN CudnnRNNV2 CudnnRNNV3 Cumprod Cumsum DepthToSpace
    DepthwiseConv2dNative Diag DiagPart Div DivNoNan Einsum Elu Empty EmptyTensorList EnsureShape
    Equal Erf Erfc Exp ExpandDims Expm1 Fill Floor FloorDiv FloorMod FusedBatchNorm
    FusedBatchNormV2 FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual Identity
    IdentityN If ImageProjectiveTransformV2 ImageProjectiveTransformV3 InvertPermutation IsFinite
    IsInf IsNan L2Loss LRN LeakyRelu Less LessEqual LinSpace Log Log1p LogSoftmax LogicalAnd
    LogicalNot LogicalOr LoopCond MatMul MatrixBandPart MatrixDiag MatrixDiagPart
    MatrixDiagPartV3 MatrixDiagV3 Max MaxPool MaxPool3D MaxPoolV2 Maximum Mean Merge Min
    Minimum MirrorPad Mod Mul MulNoNan Neg Enter Exit NextIteration NoOp NotEqual OneHot OnesLike
    Pack Pad PadV2 ParallelConcat PartitionedCall Placeholder PlaceholderWithDefault Pow
    PreventGradient Prod RandomStandardNormal RandomUniform RandomUniformInt Range Rank RealDiv
    Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear
    ResizeNearestNeighbor Reverse ReverseSequence ReverseV2 RightShift LeftShift Rint Roll Round
    Rsqrt Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Snapshot Softmax
    Softplus Softsign SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference
    Squeeze StatefulPartitionedCall StatelessIf StatelessRandomGetAlg StatelessRandomGetKeyCounter
    StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformV2
    StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformFullIntV2
    StatelessTruncatedNormalV2 StatelessWhile StopGradient StridedSlice Sub Sum Switch Tan
    Tanh TensorListConcatV2 TensorListElementShape TensorListFromTensor TensorListGather
    TensorListGetItem TensorListLength TensorListPopBack TensorListPushBack TensorListReserve
    TensorListResize TensorListSetItem TensorListStack TensorListSplit TensorScatterAdd
    TensorScatterUpdate Tile TopK TopKV2 Transpose TruncateDiv TruncateMod TruncatedNormal Unpack
    Where While Xdivy Xlogy ZerosLike
    FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
    QuantizeAndDequantizeV2 QuantizeAndDequantizeV4
    RngReadAndSkip StatefulStandardNormalV2 StatefulUniform
    VarHandleOp ReadVariableOp AssignVariableOp AssignAddVariableOp AssignSubVariableOp
    VarIsInitializedOp ResourceGather ResourceGatherNd DisableCopyOnRead
    _Arg _Retval
    """
)
# What Keras writes to save and restore the variables, in two functions that only the SavedModel's
# `saver_def` names. TensorFlow 2 does not call them: it reads the checkpoint itself.
SAVER_OPERATORS = _names(
    """
    MergeV2Checkpoints RestoreV2 SaveV2 ShardedFilename StaticRegexFullMatch StringJoin
    """
)
