"""What moto's interpreter and its CloudFormation get wrong, and the repair of
each. test_launcher.py shows every fault on an unpatched moto, so that a version
that has mended one fails there and the patch can go.
"""

import datetime
import json
import uuid

import boto3

from moto.cloudformation import models as formation
from moto.cloudformation import parsing, utils
from moto.cloudformation import responses as formation_responses
from moto.core.common_models import CloudFormationModel
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ecs import models as ecs
from moto.iam import models as iam
from moto.moto_api._internal import mock_random
from moto.scheduler.models import scheduler_backends
from moto.stepfunctions import models, responses
from moto.stepfunctions.parser.api import HistoryEventType, \
    TaskFailedEventDetails, TaskTimedOutEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name. \
    custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name. \
    error_equals_decl import ErrorEqualsDecl
from moto.stepfunctions.parser.asl.component.common.error_name. \
    failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name. \
    states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name. \
    states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service. \
    resource import ResourceCondition
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service. \
    state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service. \
    state_task_service_aws_sdk import StateTaskServiceAwsSdk
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service. \
    state_task_service_callback import StateTaskServiceCallback
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service. \
    state_task_service_ecs import StateTaskServiceEcs
from moto.stepfunctions.parser.asl.eval.callback.callback import \
    CallbackEndpoint, HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.models import StepFunctionsParserBackend, \
    stepfunctions_parser_backends
from moto.core.utils import pascal_to_camelcase, remap_nested_keys
from moto.utilities.utils import get_partition
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

SCHEDULE = "AWS::Scheduler::Schedule"


def cloudformation_store():
    """A state machine of a template lands in the store of the backend that
    does not execute, where StartExecution does not find it."""
    models.stepfunctions_backends = stepfunctions_parser_backends
    responses.stepfunctions_backends = stepfunctions_parser_backends


def cloudformation_no_value():
    """AWS::NoValue stays in a list, as nothing."""
    original = parsing.clean_json

    def clean(resource_json, resources_map):
        found = original(resource_json, resources_map)
        if isinstance(found, list):
            return [item for item in found if item is not None]
        return found

    parsing.clean_json = clean


def cloudformation_condition():
    """!Condition within !And or !Or is never true."""
    original = utils.yaml_tag_constructor

    def construct(loader, tag, node):
        if tag == "!Condition":
            return {"Condition": node.value}
        return original(loader, tag, node)

    for module in (formation, formation_responses):
        module.yaml_tag_constructor = construct


def definition_of(properties):
    definition = properties.get("DefinitionString") or \
        json.dumps(properties["Definition"])
    for name, value in properties.get("DefinitionSubstitutions", {}).items():
        definition = definition.replace("${%s}" % name, str(value))
    return definition


def cloudformation_definition():
    """Definition as an object and DefinitionSubstitutions are ignored."""
    original = models.StateMachine.create_from_cloudformation_json.__func__

    def create(cls, resource_name, cloudformation_json, *args, **kwargs):
        properties = dict(cloudformation_json["Properties"])
        properties["DefinitionString"] = definition_of(properties)
        return original(cls, resource_name,
                        dict(cloudformation_json, Properties=properties),
                        *args, **kwargs)

    models.StateMachine.create_from_cloudformation_json = classmethod(create)


def cloudformation_task_definition():
    """A task definition of a template loses its roles, its network mode and
    its processors."""

    def create(cls, resource_name, cloudformation_json, account_id,
               region_name, **_):
        given = cloudformation_json["Properties"]

        def camel(name):
            return remap_nested_keys(given.get(name, []), pascal_to_camelcase)

        return ecs.ecs_backends[account_id][region_name]. \
            register_task_definition(
                family=given.get("Family", "%s-%06d" % (
                    resource_name, mock_random.random() * 10**6)),
                container_definitions=camel("ContainerDefinitions"),
                volumes=camel("Volumes"),
                network_mode=given.get("NetworkMode"),
                requires_compatibilities=given.get("RequiresCompatibilities"),
                cpu=given.get("Cpu"), memory=given.get("Memory"),
                task_role_arn=given.get("TaskRoleArn"),
                execution_role_arn=given.get("ExecutionRoleArn"))

    ecs.TaskDefinition.create_from_cloudformation_json = classmethod(create)


def cloudformation_role():
    """A role of a template loses its managed policies, and its own are kept
    as Python prints them."""
    original = iam.Role.create_from_cloudformation_json.__func__

    def create(cls, resource_name, cloudformation_json, account_id,
               region_name, **kwargs):
        given = dict(cloudformation_json["Properties"])
        given["Policies"] = [
            {**policy, "PolicyDocument": json.dumps(policy["PolicyDocument"])}
            for policy in given.get("Policies", [])]
        role = original(cls, resource_name,
                        dict(cloudformation_json, Properties=given),
                        account_id, region_name, **kwargs)
        backend = iam.iam_backends[account_id][get_partition(region_name)]
        for arn in given.get("ManagedPolicyArns", []):
            backend.attach_role_policy(arn, role.name)
        return role

    iam.Role.create_from_cloudformation_json = classmethod(create)


def cloudformation_schedule():
    """Schedules are not made of templates. Made of one, they still start
    nothing: stack.py does that."""

    class Schedule(CloudFormationModel):
        __module__ = "moto.scheduler"  # moto's register goes by it

        def __init__(self, name):
            self.physical_resource_id = name

        @staticmethod
        def cloudformation_name_type():
            return "Name"

        @staticmethod
        def cloudformation_type():
            return SCHEDULE

        @classmethod
        def create_from_cloudformation_json(
                cls, resource_name, cloudformation_json, account_id,
                region_name, **_):
            given = cloudformation_json["Properties"]
            network = given["Target"].get("EcsParameters", {}).get(
                "NetworkConfiguration")
            if network:  # the one name that differs in Scheduler's own API
                network["awsvpcConfiguration"] = network.pop(
                    "AwsvpcConfiguration")
            scheduler_backends[account_id][region_name].create_schedule(
                given.get("Description"), None, given["FlexibleTimeWindow"],
                given.get("GroupName"), None, resource_name,
                given["ScheduleExpression"],
                given.get("ScheduleExpressionTimezone"), None,
                given.get("State"), given["Target"], None)
            return cls(resource_name)

    parsing.get_model_map()[SCHEDULE] = Schedule


def fargate_memory():
    """RunTask wants the memory of each container; on Fargate the task has
    it."""
    ecs.EC2ContainerServiceBackend._calculate_task_resource_requirements = \
        staticmethod(lambda definition: {"CPU": 0, "MEMORY": 0, "PORTS": [],
                                         "PORTS_UDP": []})


def interface_name():
    """RunTask fails in a VPC that gives no names, and a VPC of a template
    never does."""
    NetworkInterface.private_dns_name = ""


def failure_cause():
    """SendTaskFailure drops the cause."""

    def send_task_failure(self):
        self.stepfunction_backend.send_task_failure(
            self._get_param("taskToken"), error=self._get_param("error"),
            cause=self._get_param("cause"))
        return responses.EmptyResult()

    responses.StepFunctionResponse.send_task_failure = send_task_failure


def to_wire(shape, value):
    """A state's parameters begin with capitals, whatever the service's do;
    what is an object in the state may be the text of a body."""
    if shape.type_name in ("blob", "string") and \
            isinstance(value, (dict, list)):
        return json.dumps(value, separators=(",", ":"))
    if shape.type_name == "structure" and isinstance(value, dict):
        names = {name.lower(): name for name in shape.members}
        return {names.get(key.lower(), key):
                to_wire(shape.members[names[key.lower()]], item)
                if key.lower() in names else item
                for key, item in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [to_wire(shape.member, item) for item in value]
    return value


def to_state(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, StreamingBody):
        return value.read().decode()
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: to_state(item)
                for key, item in value.items()}
    if isinstance(value, list):
        return [to_state(item) for item in value]
    return value


def replace_names(kind, boto_name):
    session = boto3.session.Session(region_name="us-east-1")._session

    def replace(held, found):
        held.clear()
        held.update(found)

    def parameters(self, parameters, *_, **__):
        name = self.resource.api_action
        shape = session.get_service_model(boto_name(self)).operation_model(
            name[:1].upper() + name[1:]).input_shape
        replace(parameters, to_wire(shape, dict(parameters)))

    def response(self, response, *_, **__):
        if isinstance(response, dict):
            replace(response, to_state(response))

    kind._normalise_parameters = parameters
    kind._normalise_response = response


def ecs_names():
    """ecs:runTask takes names that begin with small letters, only."""
    replace_names(StateTaskServiceEcs, lambda _: "ecs")


def sdk_names():
    """aws-sdk: takes and gives the names of boto3 and Python's own values,
    and no object for a body."""
    replace_names(StateTaskServiceAwsSdk,
                  lambda self: self._get_boto_service_name())


def task_failed(task, env, error, cause):
    return FailureEvent(
        env=env, error_name=CustomErrorName(error_name=error),
        event_type=HistoryEventType.TaskFailed,
        event_details=EventDetails(taskFailedEventDetails=(
            TaskFailedEventDetails(
                error=error, cause=cause, resource=task._get_sfn_resource(),
                resourceType=task._get_sfn_resource_type()))))


def ecs_errors():
    """An error of ECS becomes States.Runtime, which nothing can repeat or
    catch, in place of ECS.<its name>."""

    def from_error(self, env, ex):
        if not isinstance(ex, ClientError):
            return StateTaskServiceCallback._from_error(self, env=env, ex=ex)
        return task_failed(self, env, "ECS." + ex.response["Error"]["Code"],
                           ex.response["Error"]["Message"])

    StateTaskServiceEcs._from_error = from_error


def ecs_failures():
    """A task that could not be placed is States.Runtime in place of
    AmazonECS.Unknown."""
    original = StateTaskServiceEcs._eval_service_task

    def run(self, env, *args, **kwargs):
        try:
            original(self, env, *args, **kwargs)
        except IndexError:  # it looked for the first task
            raise FailureEventException(task_failed(
                self, env, "AmazonECS.Unknown", "the task was not placed"))

    StateTaskServiceEcs._eval_service_task = run


def heartbeat_name():
    """A heartbeat that does not come is called States.Timeout in place of
    States.HeartbeatTimeout."""
    original = StateTaskServiceCallback._from_error

    def from_error(self, env, ex):
        if not isinstance(ex, HeartbeatTimeoutError):
            return original(self, env=env, ex=ex)
        kind = StatesErrorNameType.StatesHeartbeatTimeout
        return FailureEvent(
            env=env, error_name=StatesErrorName(typ=kind),
            event_type=HistoryEventType.TaskTimedOut,
            event_details=EventDetails(taskTimedOutEventDetails=(
                TaskTimedOutEventDetails(
                    error=kind.to_name(), resource=self._get_sfn_resource(),
                    resourceType=self._get_sfn_resource_type()))))

    StateTaskServiceCallback._from_error = from_error


def early_executions():
    """A task's answer is 500 while any other execution is about to start."""
    original = StepFunctionsParserBackend._get_executions

    def executions(self, execution_status=None):
        return [e for e in original(self, execution_status)
                if e.exec_worker is not None and e.exec_worker.env is not None]

    StepFunctionsParserBackend._get_executions = executions


def early_answers():
    """A heartbeat that comes before the state waits for it is refused, and an
    outcome is not seen until a heartbeat is missed. Our tasks are faster than
    moto's answer to RunTask."""
    original = CallbackEndpoint.setup_heartbeat_endpoint

    def setup(self, heartbeat_seconds):
        endpoint = original(self, heartbeat_seconds)
        if self.get_outcome() is not None:
            endpoint.notify()
        return endpoint

    def heartbeat(self):
        if self._heartbeat_endpoint is not None:
            self._heartbeat_endpoint.notify()
        return True

    CallbackEndpoint.setup_heartbeat_endpoint = setup
    CallbackEndpoint.notify_heartbeat = heartbeat


def retry_token():
    """A repeated state has the token of the attempt before, and so its
    outcome."""

    def evaluate(self, env):
        if self.resource.condition == ResourceCondition.WaitForTaskToken:
            token = env.states.context_object.update_task_token()
            env.callback_pool_manager.add(token)
        StateTaskService._eval_execution(self, env)

    StateTaskServiceCallback._eval_execution = evaluate


def abort_is_final():
    """An execution that is stopped while a state waits for its token goes on
    waiting, and then ends FAILED."""
    stop, fail = Environment.set_stop, Environment.set_error

    def set_stop(self, *args, **kwargs):
        stop(self, *args, **kwargs)
        for endpoint in list(self.callback_pool_manager._pool.values()):
            endpoint.interrupt_all()

    def set_error(self, error):
        if not isinstance(self._program_state, ProgramStopped):
            fail(self, error)

    Environment.set_stop = set_stop
    Environment.set_error = set_error


def history_order():
    """GetExecutionHistory gives all events, the oldest first, whatever is
    asked for."""
    original = responses.StepFunctionResponse.get_execution_history

    def history(self):
        found = original(self)
        events = list(found.result["events"])
        if self._get_param("reverseOrder"):
            events.reverse()
        limit = self._get_param("maxResults") or len(events)
        return responses.ActionResult({"events": events[:limit]})

    responses.StepFunctionResponse.get_execution_history = history


def execution_name():
    """An execution that is given no name is called None."""
    original = StepFunctionsParserBackend.start_execution

    def start(self, state_machine_arn, name=None, *args, **kwargs):
        return original(self, state_machine_arn, name or str(uuid.uuid4()),
                        *args, **kwargs)

    StepFunctionsParserBackend.start_execution = start


def runtime_is_final():
    """States.ALL catches States.Runtime and States.DataLimitExceeded."""
    original = ErrorEqualsDecl._eval_body
    final = [StatesErrorName(typ=kind) for kind in (
        StatesErrorNameType.StatesRuntime,
        StatesErrorNameType.StatesStatesDataLimitExceeded)]

    def evaluate(self, env):
        error = env.stack[-1]
        original(self, env)
        if error in final and error not in self.error_names:
            env.stack[-1] = False

    ErrorEqualsDecl._eval_body = evaluate


PATCHES = (
    cloudformation_store, cloudformation_no_value, cloudformation_condition,
    cloudformation_definition, cloudformation_task_definition,
    cloudformation_role, cloudformation_schedule, fargate_memory,
    interface_name, failure_cause, ecs_names, ecs_errors, ecs_failures,
    sdk_names, heartbeat_name, early_executions, early_answers, retry_token,
    abort_is_final, history_order, execution_name, runtime_is_final)


def apply_all():
    for patch in PATCHES:
        patch()
