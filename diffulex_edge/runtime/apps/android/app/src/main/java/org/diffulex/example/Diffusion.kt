package org.diffulex.example

import org.pytorch.executorch.EValue
import org.pytorch.executorch.Module
import org.pytorch.executorch.Tensor

/**
 * The denoising loop on a file of DiffuLex Edge; token ids in, token ids out. It does not draft: a
 * causal model writes a token a forward, and a file with a draft head is refused.
 */
class Diffusion(path: String) {
    private val module = Module.load(path)
    private val rows = fact("get_max_seq_len").toInt()
    private val maxTokens = fact("get_prefill_chunk_size").toInt()
    private val block = fact("get_block_length").toInt()
    private val mask = fact("get_mask_token_id")
    private val shift = fact("get_logits_shift").toInt()
    private val eos = module.execute("get_eos_ids").map { it.toInt() }.toSet()

    init {
        require(fact("get_contract_version") == 1L) { "export the model again" }
        require(!has("get_draft_head")) {
            "the file has a draft head and this loop does not draft: " +
                "export the model without it (smollm2-masks in place of smollm2)"
        }
    }

    private fun has(name: String) =
        runCatching { module.execute(name).isNotEmpty() }.getOrDefault(false)

    private fun fact(name: String) = module.execute(name)[0].toInt()

    private class Prediction(val ids: LongArray, val confidence: FloatArray)

    /** Tokens [start, end) into their cache rows, attention to rows 0 to end. */
    private fun step(sequence: List<Long>, start: Int, end: Int): Prediction {
        val one = longArrayOf(1)
        val tokens = sequence.subList(start, end).toLongArray()
        val out = module.execute(
            "forward",
            EValue.from(Tensor.fromBlob(tokens, longArrayOf(1, (end - start).toLong()))),
            EValue.from(Tensor.fromBlob(longArrayOf(start.toLong()), one)),
            EValue.from(Tensor.fromBlob(longArrayOf(end.toLong()), one)),
        )
        return Prediction(out[0].toTensor().dataAsLongArray, out[1].toTensor().dataAsFloatArray)
    }

    /** What is known of an answer: the sequence, where the answer begins, and its limit. */
    private inner class Canvas(prompt: List<Long>, maxNew: Int) {
        val sequence = prompt.toMutableList()
        val promptEnd = prompt.size
        val limit = promptEnd + maxNew

        fun masked(position: Int) = sequence[position] == mask

        /** End of what is final: the first mask, the end of the text, or the limit. */
        fun settled(): Int {
            val known = minOf(limit, sequence.size)
            val ends = { place: Int -> masked(place) || sequence[place] in eos }
            return (promptEnd until known).firstOrNull(ends) ?: known
        }

        fun stopped() = settled().let { it < minOf(limit, sequence.size) && !masked(it) }

        fun grow(end: Int) {
            while (sequence.size < end) sequence.add(mask)
        }

        /** Of a shifted model: the last row of a clean stretch says what stands behind it. */
        fun nameNext(position: Int, prediction: Prediction) {
            if (shift == 0 || position < promptEnd || position >= limit) return
            if (position < sequence.size && !masked(position)) return
            grow(position + 1)
            sequence[position] = prediction.ids.last()
        }
    }

    /** Call off the main thread. `onStep` sees the sequence after every step. */
    fun generate(
        prompt: List<Long>,
        maxNew: Int,
        threshold: Float = 0.9f,
        onStep: (List<Long>) -> Unit = {},
    ): List<Long> {
        val canvas = Canvas(prompt, maxNew)
        val causal = block > 0
        val size = if (causal) block else 32
        val first = if (causal) prompt.size / size * size else prompt.size
        val end = if (causal) (canvas.limit + size - 1) / size * size else canvas.limit
        require(end <= rows) { "prompt and answer need $end rows of KV cache, the file has $rows" }
        if (causal) prefill(canvas, first, size)
        for (start in first until end step size) {
            if (canvas.stopped()) break
            val stop = minOf(start + size, end)
            val from = if (causal) start else 0
            denoise(canvas, start, stop, from, if (causal) stop else end, threshold, onStep)
            if (causal && stop < end && !canvas.stopped()) { // commit: clean keys and values
                canvas.nameNext(stop, step(canvas.sequence, start, stop))
            }
        }
        return canvas.sequence.subList(prompt.size, canvas.settled()).toList()
    }

    /** Write whole blocks of the prompt into the cache. */
    private fun prefill(canvas: Canvas, first: Int, size: Int) {
        val chunk = maxOf(1, maxTokens / size) * size
        for (start in 0 until first step chunk) {
            val stop = minOf(start + chunk, first)
            val prediction = step(canvas.sequence, start, stop)
            if (stop == first) canvas.nameNext(first, prediction)
        }
    }

    /** Reveal the masks of [start, stop) with steps over [from, to). */
    private fun denoise(
        canvas: Canvas,
        start: Int,
        stop: Int,
        from: Int,
        to: Int,
        threshold: Float,
        onStep: (List<Long>) -> Unit,
    ) {
        canvas.grow(to)
        while (!canvas.stopped()) {
            val open = (start until minOf(stop, canvas.limit)).filter { canvas.masked(it) }
            if (open.isEmpty()) return
            val prediction = step(canvas.sequence, from, to)
            fun row(position: Int) = maxOf(position - shift - from, 0)
            fun sure(position: Int) = prediction.confidence[row(position)]
            val best = open.maxByOrNull { sure(it) }
            for (position in open) {
                if (position == best || sure(position) >= threshold) {
                    canvas.sequence[position] = prediction.ids[row(position)]
                }
            }
            onStep(canvas.sequence)
        }
    }
}
