import Audit
import Bytes
import EventLog
import Events
import Merkle

/// The transaction logs of a bundle: of each dispatch that a told event is of (`FORMAT.md` §23).
///
/// One pass over the log puts the streams of dispatches into lanes, each small enough to be held in
/// memory.
struct BundleLogs {
  private let scope: ExportScope
  private let storage: any Storage
  private let resumes: Bool
  private let workers: Workers
  private let lanes: [Lane]

  private static let eventsInLane: UInt64 = 16_384
  private static let mostLanes: UInt64 = 4_096
  private static let headBytes = 8 + 8 + 32

  /// Reads the log.
  init(
    _ scope: ExportScope, in storage: any Storage, resumes: Bool, workers: @escaping Workers,
    _ scratch: @escaping Scratch
  ) throws(ExportError) {
    self.scope = scope
    self.storage = storage
    self.resumes = resumes
    self.workers = workers
    let count = Int(min(Self.mostLanes, max(1, scope.reader.size / Self.eventsInLane)))
    let room = ScratchRoom(scratch)
    let capacity = max(1 << 12, min(1 << 17, (16 << 20) / count))
    var lanes = (0..<count).map { _ in Lane(capacity: capacity, in: room) }
    var record: [UInt8] = []
    _ = try scope.forEach { (stored, isTold) throws(ExportError) in
      guard let id = Replay.dispatchID(of: stored.line) else { return }
      record.removeAll(keepingCapacity: true)
      for number in [stored.id, stored.commit.end] {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe record.append(contentsOf: $0) }
      }
      record += stored.commit.root.bytes
      record += stored.line
      var checksum = CRC32C()
      checksum.update(unsafe Array(id.utf8).span.bytes)
      try lanes[Int(checksum.value) % count].append(isTold ? 1 : 0, unsafe record.span.bytes)
    }
    self.lanes = lanes
  }

  /// A dispatch's events.
  private struct Stream {
    let id: String
    /// The first that is told.
    var told: EventID?
    var events: [(id: EventID, line: [UInt8])] = []
    /// The tree after the last one's commit.
    var head = TreeHead(size: 0, root: MerkleTree.emptyRoot)
  }

  /// Writes the files.
  ///
  /// - Returns: These, by the first told event of each dispatch.
  func write() throws(ExportError) -> [ExportedFile] {
    let handed = Handed(self)
    let written = try doing(lanes.count, by: workers) { (lane) throws(ExportError) in
      try handed.value.write(handed.value.lanes[lane])
    }
    return written.joined().sorted { $0.told < $1.told }.map(\.file)
  }

  private func write(_ lane: Lane) throws(ExportError) -> [(told: EventID, file: ExportedFile)] {
    var files: [(told: EventID, file: ExportedFile)] = []
    for stream in try Self.streams(in: lane) {
      guard let told = stream.told, let id = EntityID(stream.id) else { continue }
      let log: TransactionLog
      do {
        log = try TransactionLog(
          of: id, stream.events, upTo: stream.head, in: scope.reader.identity)
      } catch {
        throw .audit(error)
      }
      let path = "data/transaction-logs/\(id.text).log"
      files.append(
        (told, try ExportedFile(Array(log.text.utf8), written: path, in: storage, resumes: resumes))
      )
    }
    return files
  }

  private static func streams(in lane: Lane) throws(ExportError) -> [Stream] {
    var streams: [Stream] = []
    var places: [String: Int] = [:]
    var reader = lane.reader()
    while try reader.read() {
      let record = Array(reader.buffer[reader.record])
      let (line, event) = (Array(record.dropFirst(headBytes)), reader.number)
      guard let id = Replay.dispatchID(of: line), let root = Digest(bytes: record[16..<headBytes])
      else { throw .storage(ScratchRoom.cut) }
      let size = unsafe record.span.bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self)
      let place = places[id] ?? streams.count
      if place == streams.count {
        places[id] = place
        streams.append(Stream(id: id))
      }
      if reader.tag == 1, streams[place].told == nil { streams[place].told = event }
      streams[place].events.append((event, line))
      streams[place].head = TreeHead(size: size.littleEndian, root: root)
    }
    return streams
  }
}
