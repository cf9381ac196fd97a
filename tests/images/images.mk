# Every instruction: tests/images/images.c says what it does. Two programs: the tracer with its survivors has crash
# points, as the tests of tests/crash, whose scripts it plays; the victim has the product's code as it ships.
IMAGES_DIR := $(B)/tests/images
IMAGES_MIN ?= 100000
IMAGES_KILLS_MIN ?= 2000

images_scene   := $(filter-out tests/crash/crash.c tests/crash/durable_% $(call plain_of,tests/crash),$(wildcard tests/crash/*.c)) \
	tests/images/stage.c tests/images/fifo.c tests/images/varied.c
images_tracer  := $(filter-out tests/images/victim.c $(images_scene),$(wildcard tests/images/*.c))

CHECK_DEPS += $(IMAGES_DIR)/images $(IMAGES_DIR)/victim
CHECK_BESIDE += tests/images/check-images
CHECK_LONG_TARGETS += check-images-all

$(IMAGES_DIR)/images: $(call crash,$(images_tracer) $(images_scene) tests/crash/crash.c) \
		$(B)/crash/libsupport.a $(B)/crash/libinternal.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(group) $(RL_LDFLAGS) $(LDFLAGS) $(ENGINE_LIBS)

$(IMAGES_DIR)/product.o: $(CLIENT_OBJECTS) tests/images/product.lds
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)ld -r -T tests/images/product.lds -o $@ $(filter %.o,$^)

$(IMAGES_DIR)/scene.o: $(call obj,$(images_scene))
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)ld -r -o $@ $^

# Bound at once, so that each run takes the same steps.
$(IMAGES_DIR)/victim: $(call obj,tests/images/victim.c) $(IMAGES_DIR)/scene.o $(B)/libsupport.a $(IMAGES_DIR)/product.o \
		$(B)/libringlease-engine.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $(group) $(RL_LDFLAGS) -Wl,-z,now $(LDFLAGS) $(ENGINE_LIBS)

$(B)/tests/unit/test_page_hash: $(call obj,tests/images/page_hash.c)

.PHONY: check-images-all check-images-mutants
check-images-all: check-images-mutants ## kill after every instruction (long)
	$(Q)$(IMAGES_DIR)/images --seconds $(LONG_SECONDS) --images $(IMAGES_MIN) --kills $(IMAGES_KILLS_MIN)

check-images-mutants: $(IMAGES_DIR)/images $(IMAGES_DIR)/victim $(B)/libsupport.a $(call obj,$(CLIENT))
	$(Q)BUILD=$(B) CC=$(CC) LIBS="$(ENGINE_LIBS)" tests/images/mutants.sh
