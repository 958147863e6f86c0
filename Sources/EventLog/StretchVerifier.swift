import Bytes
import Merkle

/// Verifies the commits of a segment window by window, on all cores, as far as every one of them
/// holds.
///
/// It judges nothing that isn't valid: from there on a verifier goes on that reads one commit after
/// the other.
final class StretchVerifier {
  /// How many windows are read before their roots are compared.
  private static let most = 16

  private let length: UInt64
  private let workers: Workers
  private let judge: any EventJudge
  /// Whether the tree is made, and roots are compared.
  private let checksTree: Bool
  private var windows: [(window: CommitWindow, judge: any EventJudge)] = []

  /// - Parameter length: How many bytes a window has.
  init(
    judge: any EventJudge, length: UInt64, checksTree: Bool, workers: @escaping Workers
  ) {
    self.judge = judge
    self.checksTree = checksTree
    self.length = length
    self.workers = workers
  }

  /// Goes over the commits of a segment from its first one on.
  ///
  /// - Parameters:
  ///   - frontier: The tree before the first one.
  ///   - time: That of the commit before it.
  ///   - mark: How many events are durable; commits that reach beyond aren't taken.
  ///   - take: Gets each window whose commits all hold, who judged it, and the tree after them, where
  ///     it is made.
  func verify(
    _ segment: CommitWindow.Segment, after frontier: Frontier, _ time: Instant?, mark: UInt64,
    take: (CommitWindow, any EventJudge, Frontier?) -> Void
  ) throws(StorageError) {
    let size = try segment.file.size()
    var (place, next, time) = (segment.start, frontier.size, time)
    var tree = checksTree ? frontier : nil
    let hashes = checksTree
    var start = place
    while start < size {
      let count = Int(min(UInt64(Self.most), (size - start - 1) / length + 1))
      while windows.count < count { windows.append((CommitWindow(), judge.another())) }
      let read = Handed((windows: windows, segment: segment))
      let (first, length) = (start, length)
      workers(count) { index in
        let lower = first + UInt64(index) * length
        let (window, judge) = read.value.windows[index]
        window.read(
          lower..<min(lower + length, size), of: read.value.segment, judge: judge,
          hashes: hashes)
      }
      start += UInt64(count) * length

      // Each takes up where the one before ended; the first that doesn't is the end.
      var joined: [(window: CommitWindow, judge: any EventJudge, after: Frontier?)] = []
      var isWhole = true
      for (window, judge) in windows[..<count] where isWhole {
        if let first = window.commits.first, let last = window.commits.last {
          guard first.offset == place, first.line.first == next,
            first.line.time >= time ?? first.line.time, last.line.end <= mark
          else {
            isWhole = false
            break
          }
          tree = tree.map { window.join($0) }
          (place, next, time) = (last.end, last.line.end, last.line.time)
          joined.append((window, judge, tree))
        }
        // A commit that began before may reach over all of a window.
        isWhole = window.isWhole && place >= window.range.upperBound
      }

      let compared = Handed(joined)
      let hold = doing(joined.count, by: workers) {
        !hashes || compared.value[$0].window.hasRoots()
      }
      for ((window, judge, after), holds) in zip(joined, hold) {
        guard holds else { return }
        take(window, judge, after)
      }
      if !isWhole { return }
    }
  }
}
