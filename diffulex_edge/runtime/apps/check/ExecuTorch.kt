package org.pytorch.executorch

// Stands in for org.pytorch:executorch-android where there is no phone: the same signatures, and
// every call is asked of another process, a line out and a line in.

class Tensor private constructor(private val data: Any) {
    val dataAsLongArray get() = data as LongArray
    val dataAsFloatArray get() = data as FloatArray

    companion object {
        @JvmStatic fun fromBlob(data: LongArray, shape: LongArray) =
            Tensor(data).also { check(shape.fold(1L, Long::times) == data.size.toLong()) }

        fun of(data: FloatArray) = Tensor(data)
    }
}

class EValue private constructor(private val value: Any) {
    fun toInt() = value as Long

    fun toTensor() = value as Tensor

    companion object {
        @JvmStatic fun from(tensor: Tensor) = EValue(tensor)

        fun of(number: Long) = EValue(number)
    }
}

class Module private constructor() {
    fun execute(methodName: String, vararg inputs: EValue): Array<EValue> {
        val numbers = inputs.map { it.toTensor().dataAsLongArray.joinToString(",") }
        println("$methodName ${numbers.joinToString(" ")}")
        val words = readln().split(" ")
        check(words[0] != "missing") { "no method $methodName" }
        if (methodName != "forward") return words.map { EValue.of(it.toLong()) }.toTypedArray()
        val ids = words[0].split(",").map { it.toLong() }.toLongArray()
        val confidence = words[1].split(",").map { it.toFloat() }.toFloatArray()
        val tensors = arrayOf(Tensor.fromBlob(ids, longArrayOf(ids.size.toLong())))
        return (tensors + Tensor.of(confidence)).map { EValue.from(it) }.toTypedArray()
    }

    companion object {
        @JvmStatic fun load(modelPath: String) = Module()
    }
}

fun main(arguments: Array<String>) {
    val prompt = arguments[0].split(",").map { it.toLong() }
    val answer = org.diffulex.example.Diffusion("model.pte").generate(prompt, arguments[1].toInt())
    println("answer ${answer.joinToString(",")}")
}
