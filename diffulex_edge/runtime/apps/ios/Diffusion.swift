import ExecuTorch

/// The denoising loop; it does not draft: a causal model writes a token a forward, and a file with
/// a draft head is refused.
final class Diffusion {
  private let module: Module
  private let rows, maxTokens, block, shift: Int
  private let mask: Int64
  private let eos: Set<Int64>

  init(path: String) throws {
    let module = Module(filePath: path)
    func facts(_ name: String) throws -> [Int64] {
      try module.execute(name, [ValueConvertible]()).map { Int64($0.integer) }
    }
    guard try facts("get_contract_version") == [1] else {
      throw NSError(domain: "export the model again", code: 1)
    }
    if (try? module.execute("get_draft_head", [ValueConvertible]())) != nil {
      let remedy = "export the model without it (smollm2-masks in place of smollm2)"
      let what = "the file has a draft head and this loop does not draft: \(remedy)"
      throw NSError(domain: what, code: 2)
    }
    rows = Int(try facts("get_max_seq_len")[0])
    maxTokens = Int(try facts("get_prefill_chunk_size")[0])
    block = Int(try facts("get_block_length")[0])
    shift = Int(try facts("get_logits_shift")[0])
    mask = try facts("get_mask_token_id")[0]
    eos = Set(try facts("get_eos_ids"))
    self.module = module
  }

  /// Tokens [start, end) into their cache rows, attention to rows 0…end.
  private func step(
    _ sequence: [Int64], _ start: Int, _ end: Int
  ) throws -> (ids: [Int64], confidence: [Float]) {
    let out = try module.forward([
      Tensor<Int64>(Array(sequence[start..<end]), shape: [1, end - start]),
      Tensor<Int64>([Int64(start)], shape: [1]),
      Tensor<Int64>([Int64(end)], shape: [1]),
    ])
    let ids: Tensor<Int64> = out[0].tensor()!
    let confidence: Tensor<Float> = out[1].tensor()!
    return (ids.scalars(), confidence.scalars())
  }

  /// Call off the main thread.
  func generate(
    _ prompt: [Int64], maxNew: Int, threshold: Float = 0.9,
    onStep: ([Int64]) -> Void = { _ in }
  ) throws -> [Int64] {
    var sequence = prompt
    let promptEnd = prompt.count
    let limit = promptEnd + maxNew
    let causal = block > 0
    let size = causal ? block : 32
    let first = causal ? promptEnd / size * size : promptEnd
    let end = causal ? (limit + size - 1) / size * size : limit
    precondition(
      end <= rows, "prompt and answer need \(end) rows of KV cache, this file has \(rows)")

    // end of what is final: the first mask, the end of the text or the limit
    func settled() -> Int {
      var i = promptEnd
      while i < min(limit, sequence.count), sequence[i] != mask, !eos.contains(sequence[i]) {
        i += 1
      }
      return i
    }
    func stopped() -> Bool {
      let i = settled()
      return i < min(limit, sequence.count) && sequence[i] != mask
    }
    // a shifted model: the last row of a clean stretch says what stands behind it
    func nameNext(_ position: Int, _ ids: [Int64]) {
      if shift == 0 || position < promptEnd || position >= limit { return }
      if position < sequence.count && sequence[position] != mask { return }
      if position == sequence.count { sequence.append(mask) }
      sequence[position] = ids.last!
    }

    if causal {  // prefill: whole blocks of the prompt
      let chunk = max(1, maxTokens / size) * size
      for start in stride(from: 0, to: first, by: chunk) {
        let stop = min(start + chunk, first)
        let prediction = try step(sequence, start, stop)
        if stop == first { nameNext(first, prediction.ids) }
      }
    }
    for start in stride(from: first, to: end, by: size) where !stopped() {
      let stop = min(start + size, end)
      let from = causal ? start : 0
      let to = causal ? stop : end
      if sequence.count < to {
        sequence += [Int64](repeating: mask, count: to - sequence.count)
      }
      while !stopped() {  // denoise
        let open = (start..<min(stop, limit)).filter { sequence[$0] == mask }
        if open.isEmpty { break }
        let prediction = try step(sequence, from, to)
        let row = { (position: Int) in max(position - self.shift - from, 0) }
        let sure = { (position: Int) in prediction.confidence[row(position)] }
        let best = open.max { sure($0) < sure($1) }
        for i in open where i == best || sure(i) >= threshold {
          sequence[i] = prediction.ids[row(i)]
        }
        onStep(sequence)
      }
      if causal && stop < end && !stopped() {  // commit: clean keys and values
        nameNext(stop, try step(sequence, start, stop).ids)
      }
    }
    return Array(sequence[promptEnd..<settled()])
  }
}
