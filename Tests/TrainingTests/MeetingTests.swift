import Failures
import Testing
import Torch

/// What launchers tell the processes that they start.
@Suite struct MeetingTests {
  @Test func aProcessThatIsAloneMeetsNobody() throws {
    #expect(try Meeting([:]) == nil)
    #expect(try Meeting(["RANK": "0", "WORLD_SIZE": "1"]) == nil)
    // A batch script of Slurm's, which is no step.
    #expect(try Meeting(["SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "7"]) == nil)
  }

  @Test func whatWasStartedAnewKnowsIt() throws {
    #expect(try Meeting.attempt([:]) == 0)
    // One that is alone too.
    #expect(
      try Meeting.attempt(["RANK": "0", "WORLD_SIZE": "1", "TORCHELASTIC_RESTART_COUNT": "3"]) == 3)
    #expect(throws: Failure.self) { try Meeting.attempt(["TORCHELASTIC_RESTART_COUNT": "once"]) }
  }

  @Test func torchrunKeepsTheTable() throws {
    let meeting = try #require(
      try Meeting([
        "RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "gpu01",
        "MASTER_PORT": "29400", "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "2",
        "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2",
      ]))
    #expect((meeting.rank, meeting.size) == (5, 8))
    #expect((meeting.localRank, meeting.localSize) == (1, 4))
    #expect((meeting.host, meeting.port) == ("gpu01", 29400))
    #expect(meeting.isKept && meeting.attempt == 2 && !meeting.isLocal)
  }

  @Test(arguments: [
    ("gpu[07-09,12],cpu1", "gpu07"), ("node3", "node3"), ("a1,b[2-3]", "a1"), ("n[5,7-9]-ib", "n5-ib"),
  ])
  func slurmNamesItsNodesInShort(list: String, first: String) throws {
    let environment = [
      "SLURM_PROCID": "3", "SLURM_STEP_NUM_TASKS": "6", "SLURM_LOCALID": "1",
      "SLURM_STEP_TASKS_PER_NODE": "2(x3)", "SLURM_STEP_NODELIST": list, "SLURM_JOB_ID": "4711",
    ]
    let meeting = try #require(try Meeting(environment))
    #expect((meeting.rank, meeting.size, meeting.localSize) == (3, 6, 2))
    #expect(meeting.host == first && !meeting.isKept)
    // Two jobs on one machine do not meet.
    let other = try #require(try Meeting(environment.merging(["SLURM_JOB_ID": "4712"]) { $1 }))
    #expect(other.port != meeting.port && (20_000..<30_000).contains(meeting.port))
    #expect(try Meeting(environment.merging(["MASTER_PORT": "999"]) { $1 })?.port == 999)
  }

  @Test func openMPIDoesNotSayWhereRankZeroIs() throws {
    var environment = [
      "OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "1",
      "OMPI_COMM_WORLD_LOCAL_SIZE": "2",
    ]
    let meeting = try #require(try Meeting(environment))
    #expect(meeting.host == "127.0.0.1" && meeting.isLocal)
    (environment["OMPI_COMM_WORLD_LOCAL_SIZE"], environment["OMPI_COMM_WORLD_LOCAL_RANK"]) = ("1", "0")
    let failure = #expect(throws: Failure.self) { try Meeting(environment) }
    #expect(failure?.message.contains("set MASTER_ADDR") == true)
    environment["MASTER_ADDR"] = "10.0.0.7"
    #expect(try Meeting(environment)?.host == "10.0.0.7")
  }

  /// MPICH and Intel MPI; Slurm, which has their rank and size too, is asked itself.
  @Test func hydraIsKnownByItsPlaces() throws {
    let slurm = [
      "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "2", "SLURM_LOCALID": "0",
      "SLURM_STEP_TASKS_PER_NODE": "1(x2)",
    ]
    var environment = ["PMI_RANK": "3", "PMI_SIZE": "4", "MASTER_ADDR": "node1"].merging(slurm) { $1 }
    #expect(try Meeting(environment).map { [$0.rank, $0.size, $0.localSize] } == [0, 2, 1])
    (environment["MPI_LOCALRANKID"], environment["MPI_LOCALNRANKS"]) = ("1", "2")
    let meeting = try #require(try Meeting(environment))
    #expect([meeting.rank, meeting.size, meeting.localRank, meeting.localSize] == [3, 4, 1, 2])
    #expect(meeting.host == "node1" && !meeting.isLocal)
  }

  /// A launcher may give each rank a GPU of its own, which is then the only one that it sees.
  @Test func whoSeesOneGPUTakesThat() throws {
    func gpu(_ visible: String?) throws -> Int? {
      var environment = ["RANK": "3", "WORLD_SIZE": "4"]
      environment["CUDA_VISIBLE_DEVICES"] = visible
      return try Meeting(environment)?.gpu
    }
    #expect(try gpu(nil) == 3 && gpu("") == 3 && gpu("0,1,2,3") == 3)
    #expect(try gpu("3") == 0 && gpu("GPU-8932f937") == 0)
  }

  /// As shells leave what was never set.
  @Test func whatIsEmptyIsNotSet() throws {
    #expect(try Meeting(["RANK": "", "WORLD_SIZE": ""]) == nil)
    let meeting = try Meeting(["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "", "LOCAL_RANK": ""])
    #expect(meeting?.host == "127.0.0.1" && meeting?.localRank == 0)
  }

  @Test(arguments: [
    ["RANK": "2", "WORLD_SIZE": "2"], ["RANK": "one", "WORLD_SIZE": "2"],
    ["RANK": "0", "WORLD_SIZE": "3000000000"],
    ["RANK": "0", "WORLD_SIZE": "2", "MASTER_PORT": "70000"],
    ["RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "3"],
    // How many are here is not said, and they meet elsewhere.
    ["RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "10.0.0.7"],
  ])
  func whatContradictsItselfIsRefused(environment: [String: String]) {
    let failure = #expect(throws: Failure.self) { try Meeting(environment) }
    #expect(failure?.kind == .usage)
  }
}
