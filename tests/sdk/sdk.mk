# The SQS endpoint through the SDKs that its users have. `make check`: Debian's boto3 and awscli (Query), the current
# SDK for JavaScript (JSON), the examples. The SDK for JavaScript is fetched with npm, in the versions of the lock
# file, with Node itself. `make check-sdk`: those that need more than that.
SDK := build/sdk
CHECK_DEPS += $(SDK)/js/installed
CHECK_PROGRAMS += $(addprefix tests/sdk/,boto3 javascript http security move_tasks)
CHECK_BESIDE += tests/sdk/awscli tests/sdk/examples

$(SDK)/js/installed: $(addprefix tests/sdk/js/,package.json package-lock.json)
$(SDK)/worker/installed: $(addprefix tests/sdk/worker/,package.json package-lock.json)
$(SDK)/js/installed $(SDK)/worker/installed:
	$(call say,NPM,$(@D))
	@mkdir -p $(@D)
	$(Q)cp $^ $(@D)/
	$(Q)cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent || \
		{ echo 'npm could not fetch the SDK for JavaScript, which the tests of ringlease-sqs need' >&2; exit 1; }
	@touch $@

# Each builds its client, unless the tool chain for that is missing: then it says so and is skipped.
CHECK_SDK := $(addprefix tests/sdk/current-,boto3 java go rust worker celery) "tests/sdk/current-boto3 examples" \
	"tests/sdk/current-java examples" "tests/sdk/current-celery old" \
	"tests/sdk/current-frameworks spring" "tests/sdk/current-frameworks jms"
.PHONY: check-sdk
check-sdk: ## the SQS endpoint through current SDKs and frameworks on them (Celery, Spring, JMS); needs a network
	$(Q)scripts/setup check
	$(Q)$(MAKE) $(jobs) --no-print-directory $(B)/ringlease-sqs $(SDK)/js/installed $(SDK)/worker/installed
	$(Q)BUILD=$(abspath $(B)) TEST_TIMEOUT=1800 scripts/run-tests $(CHECK_SDK)
