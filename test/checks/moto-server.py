"""moto's server (AWS as a third party wrote it) on 127.0.0.1:PORT, made to go on where its CloudFormation stops.

moto leaves out resource types that it does not know and fails on attributes that it does not have. Here either gets a
stand-in value, and the gap is written to GAPS, one line each: what stands there was not checked by moto.

Requests of those APIs that the service and the functions call are also held against botocore's models of them, which are
AWS's own: REQUESTS gets a line for each, with what is wrong with it, if anything.
"""

import io
import json
import secrets
import string
import sys
import threading
from urllib.parse import parse_qsl, urlparse

import botocore.session
from botocore.validate import ParamValidator
from moto.cloudformation import parsing, responses
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack, cloudformation_backends
from moto.ec2.models import ec2_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.server import main

PORT, GAPS, REQUESTS = sys.argv[1:]
noted = set()
lock = threading.Lock()


def note(gap):
    with lock:
        if gap in noted:
            return
        noted.add(gap)
        with open(GAPS, "a") as file:
            file.write(gap + "\n")


class StandIn:
    """A resource of a type that moto does not know: it exists, and has whatever attribute is asked for."""

    def __init__(self, name, type_, properties):
        self.name = name
        self.type = type_
        self.properties = properties

    @property
    def physical_resource_id(self):
        return self.name

    @classmethod
    def create_from_cloudformation_json(cls, name, resource, account, region, **_):
        return cls(name, resource["Type"], resource.get("Properties", {}))

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, **_):
        original_resource.properties = cloudformation_json.get("Properties", {})
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(cls, *_):
        pass

    @classmethod
    def has_cfn_attr(cls, _):
        return True

    def get_cfn_attribute(self, attribute):
        if attribute.endswith("Arn"):
            service = self.type.split("::")[1].lower()
            return f"arn:aws:{service}:us-east-1:123456789012:{self.name}"
        return f"{self.name}.{attribute}".lower()

    def is_created(self):
        return True

    def delete(self, *_):
        pass


class Secret(StandIn):
    """moto has Secrets Manager, but its CloudFormation does not know it."""

    @property
    def physical_resource_id(self):
        return self.arn

    @classmethod
    def create_from_cloudformation_json(cls, name, resource, account, region, **_):
        secret = cls(name, resource["Type"], resource.get("Properties", {}))
        made = secretsmanager_backends[account][region].create_secret(
            name=name,
            secret_string=generated(secret.properties["GenerateSecretString"]),
            secret_binary=None,
            description=secret.properties.get("Description"),
            tags=[],
            kms_key_id=None,
            client_request_token=None,
            replica_regions=[],
            force_overwrite=False,
        )
        secret.arn = json.loads(made)["ARN"]
        return secret


def generated(how):
    text = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(how["PasswordLength"]))
    if "GenerateStringKey" not in how:
        return text
    return json.dumps({**json.loads(how["SecretStringTemplate"]), how["GenerateStringKey"]: text})


class NamedByArn(StandIn):
    @property
    def physical_resource_id(self):
        return self.get_cfn_attribute("Arn")


class EgressOnlyGateway(StandIn):
    """Routes are refused that lead to one that is not there."""

    @property
    def physical_resource_id(self):
        return self.id

    @classmethod
    def create_from_cloudformation_json(cls, name, resource, account, region, **_):
        gateway = cls(name, resource["Type"], resource.get("Properties", {}))
        made = ec2_backends[account][region].create_egress_only_internet_gateway(gateway.properties["VpcId"], tags=[])
        gateway.id = made.id
        return gateway


class Listener(StandIn):
    @property
    def physical_resource_id(self):
        return f"arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/net/{self.name}/0123456789abcdef/0123"


STAND_INS = {
    "AWS::EC2::EgressOnlyInternetGateway": EgressOnlyGateway,
    "AWS::ElasticLoadBalancingV2::Listener": Listener,
    "AWS::SecretsManager::Secret": Secret,
    "AWS::Lambda::Alias": NamedByArn,
    "AWS::Lambda::Version": NamedByArn,
}

# Types that moto knows, but not as they are used here: network load balancers, versions that are referred to, and records
# in a zone that was there before.
UNUSABLE = {"AWS::ElasticLoadBalancingV2::Listener", "AWS::Lambda::Version", "AWS::Route53::RecordSet"}

original_class = parsing.resource_class_from_type


def class_of(type_):
    if type_ in parsing.NULL_MODELS or type_.startswith("Custom::"):
        note(f"type {type_}")
        return StandIn
    known = original_class(type_)
    if known is None or type_ in UNUSABLE:
        note(f"type {type_}")
        return STAND_INS.get(type_, StandIn)
    return known


original_clean = parsing.clean_json


def clean(value, resources):
    if isinstance(value, dict):
        if "Fn::GetStackOutput" in value:
            return stack_output(value["Fn::GetStackOutput"], resources)
        if "Fn::Cidr" in value:
            note("function Fn::Cidr")
            return [f"2001:db8:0:{index}::/64" for index in range(int(value["Fn::Cidr"][1]))]
        if "Fn::GetAtt" in value:
            return attribute(value["Fn::GetAtt"], resources)
    return original_clean(value, resources)


def stack_output(asked, resources):
    """CloudFormation's weak reference between stacks, which moto does not have; as the documentation describes it."""
    backend = cloudformation_backends[resources._account_id][asked.get("Region", resources._region_name)]
    stack = backend.get_stack(asked["StackName"])
    for output in stack.outputs or []:
        if output["OutputKey"] == asked["OutputName"]:
            return output["OutputValue"]
    raise parsing.ValidationError(message=f"stack {asked['StackName']} has no output {asked['OutputName']}")


def attribute(path, resources):
    if isinstance(path, str):
        path = path.split(".", 1)
    logical_id, name = path[0], ".".join(path[1:])
    resource = resources[logical_id]
    try:
        found = resource.get_cfn_attribute(name)
        if found is not None:
            return found
    except (NotImplementedError, parsing.UnformattedGetAttTemplateException, AttributeError):
        pass
    type_ = getattr(resource, "cf_resource_type", type(resource).__name__)
    note(f"attribute {type_}.{name}")
    if name == "Ipv6CidrBlocks":
        return ["2001:db8::/56"]
    if name == "DnsEntries":
        return ["Z1HUB23UULQXV:vpce-0abc.example.us-east-1.vpce.amazonaws.com"]
    if name.endswith("FullName"):
        return f"net/{logical_id}/0123456789abcdef"
    return f"{resource.physical_resource_id}.{name}".lower()


original_update = parsing.parse_and_update_resource


def update(logical_id, resource, resources, account_id, region_name):
    """moto forgets a resource whose type it cannot update; here it stays as it was."""
    changed = original_update(logical_id, resource, resources, account_id=account_id, region_name=region_name)
    if changed is not None:
        return changed
    note(f"update {resource['Type']}")
    return resources[logical_id]


def template_at(url, account_id, partition):
    """moto takes the first label of any host that is not Amazon's for the bucket's name."""
    bucket, key = urlparse(url).path.lstrip("/").split("/", 1)
    return s3_backends[account_id][partition].get_object(bucket, key).value.decode()


TARGETS = {
    "secretsmanager": "secretsmanager",
    "DynamoDB_20120810": "dynamodb",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "AWSEvents": "events",
}
QUERY_VERSIONS = {"2015-02-02": "elasticache"}
models = botocore.session.get_session()


def validate(service, operation, parameters):
    shape = models.get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(parameters, shape)
    with lock, open(REQUESTS, "a") as file:
        file.write(json.dumps({"call": f"{service}:{operation}", "fault": report.generate_report()}) + "\n")


def listed(form):
    """`Passwords.member.1=x` -> `Passwords: [x]`; the other values are single."""
    parameters = {}
    for name, value in form:
        if name in ("Action", "Version"):
            continue
        base, member, _ = name.partition(".member.")
        if member:
            parameters.setdefault(base, []).append(value)
        else:
            parameters[name] = value
    return parameters


def protection(wish):
    """What the ECS agent asks ECS for when a task wishes to be protected."""
    parameters = {name[0].lower() + name[1:]: value for name, value in wish.items()}
    return {**parameters, "cluster": "fleet", "tasks": ["0123456789abcdef"]}


# moto runs no tasks on Fargate. This is a service's task: a task that finds itself in a service asks about the service next.
TASK = {"tasks": [{"group": "service:fleet", "lastStatus": "RUNNING", "desiredStatus": "RUNNING"}], "failures": []}

original_call = DomainDispatcherApplication.__call__


def call(self, environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > 0 and environ["REQUEST_METHOD"] in ("POST", "PUT"):
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"] == "/stack-status":
            set_status(json.loads(body))
            start_response("200 OK", [])
            return []
        if environ["PATH_INFO"] == "/task-protection/v1/state":
            validate("ecs", "UpdateTaskProtection", protection(json.loads(body)))
        prefix, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
        if prefix in TARGETS:
            validate(TARGETS[prefix], operation, json.loads(body))
            if operation == "DescribeTasks":
                start_response("200 OK", [("content-type", "application/x-amz-json-1.1")])
                return [json.dumps(TASK).encode()]
        elif environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
            form = parse_qsl(body.decode())
            service = QUERY_VERSIONS.get(dict(form).get("Version"))
            if service is not None:
                validate(service, dict(form)["Action"], listed(form))
    return original_call(self, environ, start_response)


DomainDispatcherApplication.__call__ = call

# In moto a stack that a change set created keeps the outputs of the empty template with which it was reserved.
Stack.output_map = property(
    lambda self: parsing.OutputMap(self.resource_map, self.resource_map._template, self.stack_id),
    lambda self, _: None,
)
def protect(self):
    note("action UpdateTerminationProtection")
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection")
    return responses.ActionResult({"StackId": stack.stack_id})


class ChangeSetNotFound(parsing.ValidationError):
    code = "ChangeSetNotFound"


original_delete_stack = CloudFormationBackend.delete_stack


def delete_stack(self, name_or_stack_id, *arguments, **named):
    stack = self.get_stack(name_or_stack_id)
    if stack.enable_termination_protection:
        raise parsing.ValidationError(message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    return original_delete_stack(self, name_or_stack_id, *arguments, **named)


CloudFormationBackend.delete_stack = delete_stack


def set_status(asked):
    """Nothing fails in moto: a test says which stack did."""
    for regions in cloudformation_backends.values():
        for backend in regions.values():
            for stack in backend.stacks.values():
                if stack.name == asked["stack"]:
                    stack.status = asked["status"]


original_describe = CloudFormationBackend.describe_change_set


def describe_change_set(self, change_set_name):
    try:
        return original_describe(self, change_set_name)
    except parsing.ValidationError:
        raise ChangeSetNotFound(change_set_name) from None


original_discard = CloudFormationBackend.delete_change_set


def discard(self, change_set_name):
    """AWS takes it calmly when there is none."""
    try:
        original_discard(self, change_set_name)
    except UnboundLocalError:
        pass


CloudFormationBackend.describe_change_set = describe_change_set
CloudFormationBackend.delete_change_set = discard


responses.CloudFormationResponse.update_termination_protection = protect
responses.get_stack_from_s3_url = template_at
# A stack's outputs as of its last change; moto would compute them again each time, from the other stacks' current outputs.
original_outputs = Stack.outputs
Stack.outputs = property(lambda self: getattr(self, "told", None))
original_apply = ChangeSet.apply


def apply(self):
    """moto tells the template from before the change when it is asked for the stack's, and keeps what was executed."""
    original_apply(self)
    self.stack.template = self.template
    self.stack._parse_template()
    sets = cloudformation_backends[self.stack.account_id][self.stack.region_name].change_sets
    for key in [key for key, value in sets.items() if value is self]:
        del sets[key]
    self.stack.told = original_outputs.fget(self.stack)


ChangeSet.apply = apply
original_ssm = parsing.ResourceMap.parse_ssm_parameter


def ssm_parameter(self, value, value_type):
    """In an update moto looks up what it has looked up already."""
    try:
        return original_ssm(self, value, value_type)
    except AttributeError:
        return value


parsing.ResourceMap.parse_ssm_parameter = ssm_parameter
original_delete = parsing.ResourceMap.delete


def delete(self):
    """Of a VPC moto leaves the endpoints, which then keep it from being deleted."""
    try:
        original_delete(self)
    except Exception as error:
        note(f"delete: {type(error).__name__}")


parsing.ResourceMap.delete = delete
parsing.resource_class_from_type = class_of
parsing.clean_json = clean
parsing.parse_and_update_resource = update
parsing.ResourceMap.validate_outputs = lambda self: None

main(["-H", "127.0.0.1", "-p", PORT])
