package import Bytes
import Events
import Merkle

/// One proof that many events are in a tree (`FORMAT.md` §22): the least perfect subtrees that
/// cover it, in which each of these events is a leaf by itself.
///
/// Folded from left to right they give the root; so each leaf stands at its place in that tree.
package struct TreeProof {
  /// A line of the proof.
  package struct Part: Hashable, Sendable {
    package let level: Int
    package let index: UInt64
    package let hash: Digest
  }

  /// The first line.
  static let header = "tree-proof 1"

  /// Parts that a pass over the leaves hasn't given away, each of them of a lower level than the one
  /// before, or not its sibling.
  private var pending: [Part] = []
  private var next: UInt64 = 0

  package init() {}

  /// How many leaves were taken in.
  var size: UInt64 { next }

  /// Takes in the next leaf.
  ///
  /// - Parameter isTold: Whether the proof is of it.
  mutating func append(leaf: Digest, isTold: Bool, _ give: (Part) throws(ExportError) -> Void)
    throws(ExportError)
  {
    let part = Part(level: 0, index: next, hash: leaf)
    next += 1
    if isTold {
      try finish(give)
      try give(part)
    } else {
      Self.push(part, to: &pending)
    }
  }

  /// Gives what is left, after the last leaf.
  mutating func finish(_ give: (Part) throws(ExportError) -> Void) throws(ExportError) {
    for part in pending { try give(part) }
    pending = []
  }

  /// Puts a part behind the others, and joins it with its sibling wherever that stands before it.
  fileprivate static func push(_ part: Part, to stack: inout [Part]) {
    var part = part
    while let left = stack.last, left.level == part.level, left.index % 2 == 0,
      left.index + 1 == part.index
    {
      stack.removeLast()
      part = Part(
        level: part.level + 1, index: left.index / 2,
        hash: MerkleTree.nodeHash(left.hash, part.hash))
    }
    stack.append(part)
  }
}

extension TreeProof.Part {
  /// `<level> <index> <hash in base 64>`
  var text: String { "\(level) \(index) \(hash.base64)" }

  init?(_ line: [UInt8]) {
    let fields = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
    guard fields.count == 3, let level = EventID(eventID: String(decoding: fields[0], as: UTF8.self)),
      level < 53, let index = EventID(eventID: String(decoding: fields[1], as: UTF8.self)),
      let bytes = Base64.decode(fields[2]), let hash = Digest(bytes: bytes)
    else { return nil }
    self.init(level: Int(level), index: index, hash: hash)
  }
}

/// Folds a ``TreeProof`` up again, part by part.
package struct TreeProofReader {
  private var stack: [TreeProof.Part] = []
  /// So many leaves are covered.
  package private(set) var size: UInt64 = 0

  package init() {}

  /// Takes in the next line.
  ///
  /// - Returns: The part; `nil` where the line isn't one, or doesn't go on where the last one ended.
  package mutating func take(_ line: [UInt8]) -> TreeProof.Part? {
    guard let part = TreeProof.Part(line), part.index <= EventID(Int64.greatestInJSON) >> part.level,
      part.index << part.level == size
    else { return nil }
    size += 1 << part.level
    guard size <= EventID(Int64.greatestInJSON) else { return nil }
    TreeProof.push(part, to: &stack)
    return part
  }

  /// The root of all leaves that were covered.
  package var root: Digest {
    guard var hash = stack.last?.hash else { return MerkleTree.emptyRoot }
    for part in stack.dropLast().reversed() { hash = MerkleTree.nodeHash(part.hash, hash) }
    return hash
  }
}
