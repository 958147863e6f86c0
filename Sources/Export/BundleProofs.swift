import Bytes
import EventLog
import Events
import Merkle

/// The proofs of a bundle's events, each by itself (`FORMAT.md` §23): C2SP tlog-proofs, one behind the
/// other, in files of at most so many.
enum BundleProofs {
  /// How many events a bundle may have that gets them without being asked.
  static let withoutBeingAsked: UInt64 = 10_000
  static let directory = "data/proofs"
  static let ending = ".tlog-proofs"
  private static let proofsInFile: UInt64 = 1_000

  /// Writes the proofs of the events whose ids stand in the lane, ascending.
  ///
  /// - Parameter hashes: Of the tree of the checkpoint, whole.
  static func write(
    of told: consuming Lane, _ hashes: inout TreeFile, _ note: SignedNote, size: UInt64,
    in storage: any Storage, resumes: Bool
  ) throws(ExportError) -> [ExportedFile] {
    var files: [ExportedFile] = []
    var file: ExportFile?
    var count: UInt64 = 0
    var reader = told.reader()
    while try reader.read() {
      let id = reader.number
      if count % proofsInFile == 0 {
        if let file { files.append(try file.finish()) }
        file = try ExportFile(
          "\(directory)/\(padded(id, 16))\(ending)", in: storage, resumes: resumes)
      }
      count += 1
      let proof = try InclusionProof.make(index: id, size: size) { subtree throws(ExportError) in
        try hashes.hash(of: subtree)
      }
      guard let proof, let whole = TransparencyProof(index: id, proof: proof, note: note) else {
        throw .otherRoot(size: size)
      }
      try file?.write(whole.bytes)
      file?.countRow()
    }
    if let file { files.append(try file.finish()) }
    return files
  }

  /// Reads such a file proof by proof.
  struct Reader {
    private var lines: FileLines
    private var pending: [UInt8]?
    private static let title = Array("c2sp.org/tlog-proof@v1".utf8)
    private static let linesLimit = 4_096

    init(_ file: any StorageFile) throws(StorageError) {
      lines = FileLines(file)
      pending = try lines.read()
    }

    /// The bytes of the next proof, which begins with the first line of every proof.
    mutating func read() throws(StorageError) -> [UInt8]? {
      guard let title = pending else { return nil }
      var bytes = title + [UInt8(ascii: "\n")]
      var count = 0
      pending = try lines.read()
      while let line = pending, line != Self.title, count < Self.linesLimit {
        bytes += line
        bytes.append(UInt8(ascii: "\n"))
        count += 1
        pending = try lines.read()
      }
      return bytes
    }
  }
}

extension LaneReader {
  /// The number that the record begins with: 64 bits.
  var number: UInt64 {
    unsafe buffer.span.bytes.unsafeLoadUnaligned(fromByteOffset: record.lowerBound, as: UInt64.self)
      .littleEndian
  }
}

/// The hashes of all perfect subtrees of a tree, in a file without a name: level after level.
struct TreeFile {
  private let file: any StorageFile
  private let size: UInt64
  private var levels: [Level] = []
  private static let hashBytes = 32
  /// Hashes that are written or read at once.
  private static let block: UInt64 = 128

  private struct Level {
    /// Where it begins in the file.
    let start: UInt64
    /// How many hashes it has by now.
    var count: UInt64 = 0
    /// The last of them, if its sibling is still to come.
    var left: Digest?
    /// Those that aren't written yet; afterwards, those that were read last, and where they begin.
    var bytes: [UInt8] = []
    var first: UInt64 = 0
  }

  /// - Parameter size: How many leaves will be appended.
  init(size: UInt64, _ scratch: Scratch) throws(ExportError) {
    do { file = try scratch() } catch { throw .storage(error) }
    self.size = size
    var start: UInt64 = 0
    for level in 0..<53 where size >> level > 0 {
      levels.append(Level(start: start))
      start += (size >> level) * UInt64(Self.hashBytes)
    }
  }

  /// Takes in the next leaf.
  mutating func append(leaf: Digest) throws(ExportError) {
    var hash = leaf
    for level in levels.indices {
      levels[level].bytes += hash.bytes
      levels[level].count += 1
      if levels[level].count % Self.block == 0 || levels[level].count == size >> level {
        try flush(level)
      }
      guard let left = levels[level].left else {
        levels[level].left = hash
        return
      }
      levels[level].left = nil
      hash = MerkleTree.nodeHash(left, hash)
    }
  }

  private mutating func flush(_ level: Int) throws(ExportError) {
    let bytes = levels[level].bytes
    let hashes = UInt64(bytes.count / Self.hashBytes)
    let place = (levels[level].count - hashes) * UInt64(Self.hashBytes)
    do throws(StorageError) {
      try file.writeFully(bytes, at: levels[level].start + place)
    } catch {
      throw .storage(error)
    }
    levels[level].bytes.removeAll(keepingCapacity: true)
  }

  /// The hash of a subtree, once all leaves are there.
  mutating func hash(of subtree: PerfectSubtree) throws(ExportError) -> Digest {
    let index = subtree.index
    guard subtree.level < levels.count, index < size >> subtree.level else {
      throw .otherRoot(size: size)
    }
    var level = levels[subtree.level]
    let held = UInt64(level.bytes.count / Self.hashBytes)
    if !(level.first..<level.first + held).contains(index) {
      level.first = index / Self.block * Self.block
      let count = min(Self.block, (size >> subtree.level) - level.first)
      level.bytes = [UInt8](repeating: 0, count: Int(count) * Self.hashBytes)
      let offset = level.start + level.first * UInt64(Self.hashBytes)
      do throws(StorageError) {
        let read = try file.readFully(
          into: &level.bytes, range: 0..<level.bytes.count, at: offset)
        guard read == level.bytes.count else { throw ScratchRoom.cut }
      } catch {
        throw .storage(error)
      }
      levels[subtree.level] = level
    }
    let place = Int(index - level.first) * Self.hashBytes
    guard let hash = Digest(bytes: level.bytes[place..<place + Self.hashBytes]) else {
      throw .storage(ScratchRoom.cut)
    }
    return hash
  }
}
