# The SQS endpoint through the SDKs that its users have. `make check`: Debian's boto3 and awscli (Query), the current
# SDK for JavaScript (JSON). The latter is fetched with npm, in the versions of the lock file, with Node itself.
SDK_JS := build/sdk/js
CHECK_DEPS += $(SDK_JS)/installed
CHECK_PROGRAMS += $(addprefix tests/sdk/,boto3 awscli javascript http security)

$(SDK_JS)/installed: $(addprefix tests/sdk/js/,package.json package-lock.json)
	$(call say,NPM,$(SDK_JS))
	@mkdir -p $(@D)
	$(Q)cp $^ $(@D)/
	$(Q)cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent || \
		{ echo 'npm could not fetch the SDK for JavaScript, which the tests of ringlease-sqs need' >&2; exit 1; }
	@touch $@
